"""What sharekit ships as data: profiles, vocabularies, rulebooks, CDDL and SQL."""
