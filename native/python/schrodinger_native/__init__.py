"""The native core: recording histories, reading them back, checking them. Knows nothing of the framework."""

from schrodinger_native._native import (
    HistoryFile,
    Operations,
    Recorder,
    Stream,
    Transcript,
    __version__,
    check_append,
    check_bank,
    check_counter,
    check_linearizable,
    check_set,
    check_total_queue,
    check_unique_ids,
    consistency_models,
    import_edn,
    rules_out,
)

__all__ = [
    "HistoryFile",
    "Operations",
    "Recorder",
    "Stream",
    "Transcript",
    "__version__",
    "check_append",
    "check_bank",
    "check_counter",
    "check_linearizable",
    "check_set",
    "check_total_queue",
    "check_unique_ids",
    "consistency_models",
    "import_edn",
    "rules_out",
]
