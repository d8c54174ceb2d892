# METADATA
# description: What the classification of the asked dataset means. Numbers of one scheme say nothing in another.
package lib.classification

# Null where the scheme or its level is not known; undefined without a classification.
row := object.get(
	data.lib.classification.table.schemes,
	[input.dataset.classification.scheme, input.dataset.classification.level],
	null,
)
