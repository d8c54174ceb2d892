# METADATA
# description: Diseases and what they are kinds of.
package lib.mondo

# The term is one of these, or a kind of one of these.
within(term, terms) if term in terms

within(term, terms) if {
	some ancestor in data.lib.mondo.table.ancestors[term]
	ancestor in terms
}
