# METADATA
# description: |
#   What Chinese law calls personal information, and sensitive. Each says what leaves the law, by list: a word that
#   nobody knows leaves nothing. Values, not functions, so that each is worked out once for all the rules that ask.
package lib.personal

# De-identified data is still personal information.
absent if input.dataset.identifiability in data.lib.personal.table.not_personal

# The basis is known, and it is not consent: what consents must say is then no question.
without_consent if input.dataset.consent.basis in data.lib.personal.table.other_bases

# Of no kinds at all, every one would be plain.
plain if {
	input.dataset.under_14 == false
	count(input.dataset.contains) > 0
	plain_kinds := data.lib.personal.table.plain_kinds
	every kind in input.dataset.contains { kind in plain_kinds }
}
