# METADATA
# description: |
#   What Chinese law calls personal information, and sensitive. Each function says what leaves the law, by list:
#   a word that nobody knows leaves nothing.
package lib.personal

# De-identified data is still personal information.
absent(document) if document.dataset.identifiability in data.lib.personal.table.not_personal

# The basis is known, and it is not consent: what consents must say is then no question.
without_consent(document) if document.dataset.consent.basis in data.lib.personal.table.other_bases

# Of no kinds at all, every one would be plain.
plain(document) if {
	document.dataset.under_14 == false
	count(document.dataset.contains) > 0
	every kind in document.dataset.contains { kind in data.lib.personal.table.plain_kinds }
}
