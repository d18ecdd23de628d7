-- Schemas and what each role may reach. The roles themselves exist before any migration (sql/migrate.py makes them):
--   payera_owner   NOLOGIN, no superuser, no BYPASSRLS: owns tables and api functions, held by FORCED row-level security
--   payera_system  NOLOGIN, likewise: owns sys functions, works across merchants through policies that name it
--   payera_app     LOGIN: executes api.* and the look-ups that authentication needs, reads and writes no table
--   payera_relay   LOGIN: executes sys.*
set role payera_owner;

grant usage on schema core, vault to payera_system;
grant usage on schema api to payera_app;

-- A function is executable by PUBLIC when it is created. Not here.
alter default privileges for role payera_owner revoke execute on functions from public;
alter default privileges for role payera_owner in schema api grant execute on functions to payera_app;
alter default privileges for role payera_owner in schema core grant execute on functions to payera_system;

set role payera_system;
grant usage on schema sys to payera_app, payera_relay;
alter default privileges for role payera_system revoke execute on functions from public;
alter default privileges for role payera_system in schema sys grant execute on functions to payera_relay;

reset role;
