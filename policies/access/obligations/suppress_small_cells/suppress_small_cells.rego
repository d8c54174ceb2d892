# Counts of so few that somebody could be recognised are not shown.
package access.obligations

owed["suppress_small_cells"] := {{
	"kind": "suppress_small_cells",
	"threshold": data.access.obligations.suppress_small_cells.table.threshold,
	"complementary": true,
} |
	input.request.action == "aggregate"
}
