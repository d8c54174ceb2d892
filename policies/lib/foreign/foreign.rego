# METADATA
# description: Who is a foreign party to human genetic resources. Who controls it is asked, not where it reads.
package lib.foreign

asker_at_home(document) if home(document.participant)

provider_at_home(document) if home(document.provider)

# Proven by every fact of enrolment: one that is not stated makes a party foreign.
home(party) if {
	table := data.lib.foreign.table
	party.country == table.country
	party.overseas_entity == false
	party.foreign_control == false
	is_number(party.foreign_equity_pct)
	party.foreign_equity_pct < table.equity_pct
}
