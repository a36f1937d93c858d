/* A shared object that is no plugin. */
int evd_test_no_entry(void);
int evd_test_no_entry(void) { return 0; }
