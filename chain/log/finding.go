package log

import "fmt"

// Finding is what one check of a survey found.
type Finding struct {
	Setting string // as Kafka names it, or what was checked
	Value   string // as Kafka prints it; if unknown, the reason
	Want    string
	Result  Result
	Risk    string // the consequence of a flaw
	Remedy  string // a command, or what else an operator can do; empty if nothing
}

// Result is the outcome of a check.
type Result int

const (
	Fit     Result = iota + 1
	Unknown        // the brokers do not report it, as with managed services; nothing is known to be wrong
	Flawed         // records may be lost, or appends fail
	Warned         // worth checking, but does not keep a channel from starting
)

func (r Result) String() string {
	switch r {
	case Fit:
		return "ok"
	case Unknown:
		return "unknown"
	case Flawed:
		return "flaw"
	case Warned:
		return "warning"
	}
	return fmt.Sprintf("result %d", int(r))
}

// String describes the finding for an operator.
func (f Finding) String() string {
	switch f.Result {
	case Fit:
		return fmt.Sprintf("%s is %s", f.Setting, f.Value)
	case Unknown:
		return fmt.Sprintf("%s is not known (%s); it should be %s", f.Setting, f.Value, f.Want)
	}
	return fmt.Sprintf("%s is %s, want %s: %s; to fix it: %s", f.Setting, f.Value, f.Want, f.Risk, f.Remedy)
}

// Of returns the findings that have the result r.
func Of(r Result, all []Finding) (some []Finding) {
	for _, f := range all {
		if f.Result == r {
			some = append(some, f)
		}
	}
	return some
}
