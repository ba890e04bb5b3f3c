"""The autograder of Layer Cake, laid out by the stations of a submission's way.

checking     how checks are written, observed, judged, shown and proved sound; `checks/` holds each topic's
course       the folder and the gradebook, as nbgrader keeps them
releasing    from the source text to the notebook that learners open
collecting   from what an LMS hands out to a notebook in its released form
sandbox      where it runs, behind walls and within limits
grading      from what was seen there to verdicts and grades
returning    report, grades, feedback

No station imports a later one. Above them: the command line (`cli.py`), a look at the machine (`doctor.py`), and a
class to try it all on (`example/`).
"""
