package machine

// rules is what a rule set decides: one method for each kind of record that
// decodes, and one for the verdict on a record that it asked about. Records come
// with the machine's offset already advanced to them.
type rules interface {
	connect(m *Machine, in Connect) []Effect
	timeToCut(m *Machine, in TimeToCut) []Effect
	regular(m *Machine, in Regular) []Effect
	verdict(m *Machine, in question, v Verdict) []Effect

	// marks are what a block carries of the state s; before says that the last
	// record is neither in the block nor skipped by it.
	marks(s Marks, before bool, cause CutCause) Marks
}

// rulesOf returns the rules of a rule set, and false for one that this build does not know.
func rulesOf(set RuleSet) (rules, bool) {
	switch set {
	case Undescribed:
		return undescribed{}, true
	case Strict:
		return strict{}, true
	case Compatible:
		return compatible{}, true
	}
	return nil, false
}

// Known reports whether this build can read a topic by this rule set.
func Known(set RuleSet) bool {
	_, ok := rulesOf(set)
	return ok
}
