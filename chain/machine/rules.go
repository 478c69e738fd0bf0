package machine

// rules is what a rule set decides: one method for each kind of record that
// decodes, and one for the verdict on a record that it asked about. Records come
// with the machine's offset already advanced to them.
type rules interface {
	connect(m *Machine, in Connect) []Effect
	timeToCut(m *Machine, in TimeToCut) []Effect
	regular(m *Machine, in Regular) []Effect
	verdict(m *Machine, in Regular, v Verdict) []Effect
}

// rulesOf returns the rules of a rule set, and false for one that this build does not know.
func rulesOf(set RuleSet) (rules, bool) {
	switch set {
	case Undescribed:
		return undescribed{}, true
	case Strict:
		return strict{}, true
	}
	return nil, false
}

// Known says whether this build can read a topic by this rule set.
func Known(set RuleSet) bool {
	_, ok := rulesOf(set)
	return ok
}
