-- What the merchant traded in when the payment began: an attempt that is sent once more must be the same request.
set role payera_owner;

alter table core.payment add column mcc text;

reset role;
