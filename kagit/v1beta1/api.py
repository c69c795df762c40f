"""Katib's gRPC messages (`api.v1.beta1`, spec katib.md section 5.1) as a table: field numbers and types by name.

A type is a scalar of protobuf or the name of an enum or message; `*` before it means repeated, `map` is one of texts.
"""

from collections.abc import Mapping

PACKAGE = "api.v1.beta1"

ENUMS: Mapping[str, tuple[str, ...]] = {
    "ParameterType": ("UNKNOWN_TYPE", "DOUBLE", "INT", "DISCRETE", "CATEGORICAL"),
    "Distribution": ("DISTRIBUTION_UNSPECIFIED", "UNIFORM", "LOG_UNIFORM", "NORMAL", "LOG_NORMAL"),
    "ObjectiveType": ("UNKNOWN", "MINIMIZE", "MAXIMIZE"),
    "ComparisonType": ("UNKNOWN_COMPARISON", "EQUAL", "LESS", "GREATER"),
    "TrialStatus.TrialConditionType": (
        "CREATED", "RUNNING", "SUCCEEDED", "KILLED", "FAILED", "METRICSUNAVAILABLE", "EARLYSTOPPED", "UNKNOWN",
    ),
}  # fmt: skip
"""Values by number."""

MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Experiment": {"name": (1, "string"), "spec": (2, "ExperimentSpec")},
    "ExperimentSpec": {
        "parameter_specs": (1, "ExperimentSpec.ParameterSpecs"),
        "objective": (2, "ObjectiveSpec"),
        "algorithm": (3, "AlgorithmSpec"),
        "early_stopping": (4, "EarlyStoppingSpec"),
        "parallel_trial_count": (5, "int32"),
        "max_trial_count": (6, "int32"),
        "nas_config": (7, "NasConfig"),
    },
    "ExperimentSpec.ParameterSpecs": {"parameters": (1, "*ParameterSpec")},
    "ParameterSpec": {
        "name": (1, "string"),
        "parameter_type": (2, "ParameterType"),
        "feasible_space": (3, "FeasibleSpace"),
    },
    "FeasibleSpace": {
        "max": (1, "string"),
        "min": (2, "string"),
        "list": (3, "*string"),
        "step": (4, "string"),
        "distribution": (5, "Distribution"),
    },
    "ObjectiveSpec": {
        "type": (1, "ObjectiveType"),
        "goal": (2, "double"),
        "objective_metric_name": (3, "string"),
        "additional_metric_names": (4, "*string"),
    },
    "AlgorithmSpec": {"algorithm_name": (1, "string"), "algorithm_settings": (2, "*AlgorithmSetting")},
    "AlgorithmSetting": {"name": (1, "string"), "value": (2, "string")},
    "EarlyStoppingSpec": {"algorithm_name": (1, "string"), "algorithm_settings": (2, "*EarlyStoppingSetting")},
    "EarlyStoppingSetting": {"name": (1, "string"), "value": (2, "string")},
    "NasConfig": {"graph_config": (1, "GraphConfig"), "operations": (2, "NasConfig.Operations")},
    "NasConfig.Operations": {"operation": (1, "*Operation")},
    "GraphConfig": {"num_layers": (1, "int32"), "input_sizes": (2, "*int32"), "output_sizes": (3, "*int32")},
    "Operation": {"operation_type": (1, "string"), "parameter_specs": (2, "Operation.ParameterSpecs")},
    "Operation.ParameterSpecs": {"parameters": (1, "*ParameterSpec")},
    "Trial": {"name": (1, "string"), "spec": (2, "TrialSpec"), "status": (3, "TrialStatus")},
    "TrialSpec": {
        "objective": (2, "ObjectiveSpec"),
        "parameter_assignments": (3, "TrialSpec.ParameterAssignments"),
        "labels": (4, "map"),
    },
    "TrialSpec.ParameterAssignments": {"assignments": (1, "*ParameterAssignment")},
    "ParameterAssignment": {"name": (1, "string"), "value": (2, "string")},
    "TrialStatus": {
        "start_time": (1, "string"),
        "completion_time": (2, "string"),
        "condition": (3, "TrialStatus.TrialConditionType"),
        "observation": (4, "Observation"),
    },
    "Observation": {"metrics": (1, "*Metric")},
    "Metric": {"name": (1, "string"), "value": (2, "string")},
    "ObservationLog": {"metric_logs": (1, "*MetricLog")},
    "MetricLog": {"time_stamp": (1, "string"), "metric": (2, "Metric")},
    "GetObservationLogRequest": {
        "trial_name": (1, "string"),
        "metric_name": (2, "string"),
        "start_time": (3, "string"),
        "end_time": (4, "string"),
    },
    "GetObservationLogReply": {"observation_log": (1, "ObservationLog")},
    "GetSuggestionsRequest": {
        "experiment": (1, "Experiment"),
        "trials": (2, "*Trial"),
        "current_request_number": (4, "int32"),
        "total_request_number": (5, "int32"),
    },
    "GetSuggestionsReply": {
        "parameter_assignments": (1, "*GetSuggestionsReply.ParameterAssignments"),
        "algorithm": (2, "AlgorithmSpec"),
        "early_stopping_rules": (3, "*EarlyStoppingRule"),
    },
    "GetSuggestionsReply.ParameterAssignments": {
        "assignments": (1, "*ParameterAssignment"),
        "trial_name": (2, "string"),
        "labels": (3, "map"),
    },
    "ValidateAlgorithmSettingsRequest": {"experiment": (1, "Experiment")},
    "ValidateAlgorithmSettingsReply": {},
    "EarlyStoppingRule": {
        "name": (1, "string"),
        "value": (2, "string"),
        "comparison": (3, "ComparisonType"),
        "start_step": (4, "int32"),
    },
    "GetEarlyStoppingRulesRequest": {
        "experiment": (1, "Experiment"),
        "trials": (2, "*Trial"),
        "db_manager_address": (3, "string"),
    },
    "GetEarlyStoppingRulesReply": {"early_stopping_rules": (1, "*EarlyStoppingRule")},
    "ValidateEarlyStoppingSettingsRequest": {"early_stopping": (1, "EarlyStoppingSpec")},
    "ValidateEarlyStoppingSettingsReply": {},
    "SetTrialStatusRequest": {"trial_name": (1, "string")},
    "SetTrialStatusReply": {},
}

SERVICES: Mapping[str, tuple[str, ...]] = {
    "DBManager": ("GetObservationLog",),
    "Suggestion": ("GetSuggestions", "ValidateAlgorithmSettings"),
    "EarlyStopping": ("GetEarlyStoppingRules", "SetTrialStatus", "ValidateEarlyStoppingSettings"),
}
"""Methods of each service, as far as they are spoken here; request and reply are called like the method."""
