# The contract lays down the recipient's security duties, where personal or important data is supplied.
package access.rules

import data.lib.finding

contract_security_duties_findings := data.access.rules.contract_security_duties.table.findings

# Purpose, manner and scope, which the contract has to state too, are compared one by one where they are asked for.
verdict["contract_security_duties"] := "ok" if {
	is_array(input.contract.clauses)
	data.access.rules.contract_security_duties.table.clause in input.contract.clauses
} else := "ok" if {
	input.dataset.important_data == false
	data.lib.personal.absent
} else := {finding.made(contract_security_duties_findings.unstated)}
