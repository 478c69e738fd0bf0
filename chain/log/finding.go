package log

import "fmt"

// Finding is the result of one check of a survey.
type Finding struct {
	Setting string // as Kafka names it, or what was checked
	Value   string // as Kafka prints it; if unknown, the reason
	Want    string
	Verdict Verdict
	Risk    string // the consequence of a flaw
	Remedy  string // a command, or what else an operator can do; empty if nothing
}

// Verdict is the outcome of a check.
type Verdict int

const (
	Fit     Verdict = iota + 1
	Unknown         // the brokers do not report it, as with managed services; nothing is known to be wrong
	Flawed          // records may be lost, or appends fail
	Warned          // worth checking, but does not keep a channel from starting
)

func (v Verdict) String() string {
	switch v {
	case Fit:
		return "ok"
	case Unknown:
		return "unknown"
	case Flawed:
		return "flaw"
	case Warned:
		return "warning"
	}
	return fmt.Sprintf("verdict %d", int(v))
}

// String describes the finding for an operator.
func (f Finding) String() string {
	switch f.Verdict {
	case Fit:
		return fmt.Sprintf("%s is %s", f.Setting, f.Value)
	case Unknown:
		return fmt.Sprintf("%s is not known (%s); it should be %s", f.Setting, f.Value, f.Want)
	}
	return fmt.Sprintf("%s is %s, want %s: %s; to fix it: %s", f.Setting, f.Value, f.Want, f.Risk, f.Remedy)
}

// Of returns the findings that have the verdict v.
func Of(v Verdict, all []Finding) (some []Finding) {
	for _, f := range all {
		if f.Verdict == v {
			some = append(some, f)
		}
	}
	return some
}
