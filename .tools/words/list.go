package main

import "regexp"

// rule is a word or phrase that is not the field's, and what is.
type rule struct {
	word    *regexp.Regexp
	instead string
}

func word(pattern, instead string) rule {
	return rule{regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`), instead}
}

// The rules. A pattern matches whole words, in any case; identifiers are split into their words first.
var rules = []rule{
	word(`says? (?:whether|if)`, "reports whether"),
	word(`anew`, "again, rebuilt, recreated"),
	word(`go(?:es|ing)? on|went on|gone on`, "continue"),
	word(`in(?:to)? the place of|in its place`, "instead of, replacing"),
	word(`for good`, "permanently"),
	word(`told|tells|tell of`, "report, return, say what the value is"),
	word(`pass(?:es|ed)? over`, "skip"),
	word(`parted`, "diverged, split"),
	word(`owed`, "pending, to be resubmitted"),
	word(`astray`, "misplaced; say what is wrong with it"),
	word(`awaiting`, "waiting for"),
	word(`of the moment`, "current"),
	word(`patience`, "timeout"),
	word(`for ever`, "forever, without limit"),
	word(`taken? for lost`, "considered lost"),
	word(`thrice`, "three times"),
	word(`besides that`, "also"),
	word(`belongs? into`, "belongs in"),
	word(`inside (?:each|one an)other`, "nested"),
	word(`made again`, "recreated, repeated"),
	word(`counts? for nothing`, "is ignored"),
	word(`held against`, "compared with"),
	word(`for want of`, "because there is no"),
	word(`per cent`, "percent"),
	word(`laid over`, "overlaid"),
	word(`once it was so`, "once that has lasted"),
	word(`comes? into (?:a|the) block`, "get into a block"),
	word(`reliability\.md|known-defects|ordering-protocol|acceptance-checklist|real-kafka\.md|rooms-and-words`, "the fact itself: the document is not in the repository"),
}

// pending holds folders that are still to be edited, as prefixes of paths; currently none.
var pending []string
