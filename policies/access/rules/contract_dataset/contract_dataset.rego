# The contract is for this dataset, in the governance version that was signed.
package access.rules

import data.lib.finding

verdict["contract_dataset"] := "ok" if {
	input.contract.dataset == input.dataset.id
	input.contract.dataset_version == input.dataset.version
} else := {finding.deny(
	"GEN-03",
	"The contract is for another dataset, or for another governance version of it.",
	["contract.dataset", "contract.dataset_version", "dataset.id", "dataset.version"],
	"NDSR 12",
	"Sign a new contract for the dataset as it is governed now.",
)}
