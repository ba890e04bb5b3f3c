"""How nbgrader is set up for a course: what stands in its place, and where."""

from sqlalchemy.dialects import plugins
from traitlets.config import Config

HOOKS = "autograder.grading.nbgrader_hooks"  # where nbgrader finds what is ours, by its name
PLUGIN = "compile-once"  # of SQLAlchemy, in the gradebook's address
plugins.register(PLUGIN, HOOKS, "CompileOnce")
RUNNABLE = ["*.htm*", "*.xht*", "*.svg", "*.xml", "*.js"]  # files that formgrader would serve, and a browser run
CONFIG_FILE = """\
# Written by `autograder`: nbgrader and formgrader, opened in this folder, record the same verdicts.
from autograder.course.settings import configure

c = configure(get_config())  # noqa: F821
# Your own settings follow; this one, say, takes all points off what comes in late:
# c.LateSubmissionPlugin.penalty_method = "zero"
"""


def configure(config: Config) -> Config:
    """Set nbgrader up for a course: metadata is repaired first, and verdicts replace execution."""
    config.CourseDirectory.course_id = "layer-cake"
    config.Autograde.exporter_class = f"{HOOKS}.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = [
        f"{HOOKS}.RepairSubmission",
        f"{HOOKS}.KeepLabPictures",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
    ]
    config.Autograde.autograde_preprocessors = [
        f"{HOOKS}.WriteVerdicts",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]  # without CheckCellMetadata: all metadata of nbgrader's are the release's, where it has checked them
    config.Exporter.optimistic_validation = True  # once for each conversion, not after each preprocessor
    config.GenerateFeedback.preprocessors = [
        f"{HOOKS}.HideText",
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    config.HTMLExporter.filters = {"strip_files_prefix": f"{HOOKS}.tamed"}
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", *RUNNABLE]
    return config
