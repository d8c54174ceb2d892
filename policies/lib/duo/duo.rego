# METADATA
# description: The data use codes of the dataset, and the tags of one of them.
package lib.duo

# Undefined without a tag, so that a rule which looks for its code finds neither that it is there nor that it is not.
codes := {tag.id | some tag in input.dataset.duo} if count(input.dataset.duo) > 0

tags(document, code) := [tag | some tag in document.dataset.duo; tag.id == code]
