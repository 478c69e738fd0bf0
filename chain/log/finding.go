package log

import "fmt"

// Finding is what one look of a survey came to.
type Finding struct {
	Setting string // as Kafka names it, or what was looked at
	Value   string // as Kafka prints it; if it is unknown, why
	Want    string
	Verdict Verdict
	Risk    string // what a flaw leads to
	Mend    string // a command, or what else an operator can do; empty if nothing is to be done
}

// Verdict says whether a finding is as it should be.
type Verdict int

const (
	Fit     Verdict = iota + 1
	Unknown         // the brokers do not tell, as those of managed services; nothing is known to be wrong
	Flawed          // records can be lost by it, or appends fail
	Warned          // worth a look, but no reason to keep a channel from beginning
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

// String says all that an operator needs.
func (f Finding) String() string {
	switch f.Verdict {
	case Fit:
		return fmt.Sprintf("%s is %s", f.Setting, f.Value)
	case Unknown:
		return fmt.Sprintf("%s is not known (%s); it should be %s", f.Setting, f.Value, f.Want)
	}
	return fmt.Sprintf("%s is %s, want %s: %s; to mend it: %s", f.Setting, f.Value, f.Want, f.Risk, f.Mend)
}

// Of returns the findings of a verdict.
func Of(v Verdict, all []Finding) (some []Finding) {
	for _, f := range all {
		if f.Verdict == v {
			some = append(some, f)
		}
	}
	return some
}
