"""The autograder of Layer Cake: checks that observe, verdicts made elsewhere, records kept by nbgrader."""
