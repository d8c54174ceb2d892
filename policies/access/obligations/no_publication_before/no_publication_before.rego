# Nothing is published before the day the dataset names.
package access.obligations

owed["no_publication_before"] := {{"kind": "no_publication_before", "date": tag.date} |
	some tag in input.dataset.duo
	tag.id == data.access.obligations.no_publication_before.table.term
}
