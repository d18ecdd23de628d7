"""What a run looks like to people and to machines: console, JUnit, HTML, one payment's timeline."""
