# Information on human genetic resources is given free or at cost, whoever asks.
package access.rules

import data.lib.finding

genetic_trade_findings := data.access.rules.genetic_trade.table.findings

verdict["genetic_trade"] := "ok" if {
	input.dataset.hgr == null
} else := "ok" if {
	input.dataset.hgr.information == false
} else := "ok" if {
	input.contract.price in data.access.rules.genetic_trade.table.prices
} else := {finding.made(genetic_trade_findings.sold)}
