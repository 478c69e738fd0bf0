package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// Action is one event in a world: a verb, the orderer that it happens to, and
// numbers whose meaning is next to each verb. Numbers that point into the world (an
// offset, a height) are in thousandths of the log or the ledger, so that an action
// keeps its meaning when others are removed.
type Action struct {
	Verb    Verb
	Orderer int
	A, B, C int
}

// Verb is the kind of an [Action].
type Verb string

const (
	Submit   Verb = "submit"    // a client (A mod 4) sends an envelope of size B; C = 1: its append is delayed
	Update   Verb = "update"    // a client sends a config update of key A with value B; C as in submit
	Conflict Verb = "conflict"  // two updates of key A at the same version: one here, one at the next orderer
	Enable   Verb = "enable"    // a client sends a config update that requires every orderer to support level A; C as in submit
	Advance  Verb = "advance"   // a client sends a config update to the next stage; C as in submit
	Append   Verb = "append"    // the oldest delayed append is done
	Deliver  Verb = "deliver"   // the orderer takes up to A records
	Tick     Verb = "tick"      // A milliseconds pass
	Fire     Verb = "fire"      // the orderer's batch timer fires, if it is due
	Crash    Verb = "crash"     // the process ends
	CrashAt  Verb = "crash-at"  // it ends at point A, the B-th time that it gets there
	Boot     Verb = "boot"      // it restarts from its ledger
	Audit    Verb = "audit"     // its topic is due to be checked
	Join     Verb = "join"      // a new orderer starts with the first A thousandths of the blocks in this one's ledger
	Fault    Verb = "fault"     // its next append has outcome A
	Deaf     Verb = "deaf"      // it gets no answer the next time it asks which topic its records are from
	Unable   Verb = "unable"    // toggles whether it can sign a config
	Break    Verb = "break"     // its reader fails after A more records
	CutOff   Verb = "cut-off"   // it loses its connection to the brokers
	Rejoin   Verb = "rejoin"    // it has it again
	Arrive   Verb = "arrive"    // the oldest late append reaches the log
	DiskFull Verb = "disk-full" // its ledger takes no block, until everything heals
	DiskLow  Verb = "disk-low"  // its ledger's disk falls below the reserve, or has room again
	Elect    Verb = "elect"     // the partition has a new leader
	Repeat   Verb = "repeat"    // a foreign writer appends the record at A thousandths again
	Stray    Verb = "stray"     // a foreign time-to-cut: the next block of the orderer, plus A
	Mislead  Verb = "mislead"   // it restarts with the brokers of another cluster, until everything heals; A = 1: the newest orderer does
	Forge    Verb = "forge"     // a foreign record of kind A, with the orderer's config sequence plus B, envelope C

	Forget Verb = "forget" // a new leader lacks up to A+1 records that no orderer has read; C = 1: those that orderers append after reading everything, B milliseconds later

	// At most one of these in a run, near its end: they lose records.
	Trim     Verb = "trim"     // records below A thousandths are deleted
	CutTail  Verb = "cut-tail" // those from A thousandths on are lost and replaced by B others; C = 1: the last one is written again at its offset
	Recreate Verb = "recreate" // the topic is deleted and recreated with B records; C = 1: preceded by those that it had
)

// destructive reports whether an action loses records.
func (v Verb) destructive() bool { return v == Trim || v == CutTail || v == Recreate }

// String is a line of a transcript.
func (a Action) String() string {
	return fmt.Sprintf("%s %d %d %d %d", a.Verb, a.Orderer, a.A, a.B, a.C)
}

// parseAction reads a line of a transcript.
func parseAction(line string) (a Action, err error) {
	parts := strings.Fields(line)
	if len(parts) != 5 {
		return a, fmt.Errorf("action %q: want a verb and four numbers", line)
	}
	a.Verb = Verb(parts[0])
	for i, field := range []*int{&a.Orderer, &a.A, &a.B, &a.C} {
		if *field, err = strconv.Atoi(parts[i+1]); err != nil {
			return a, fmt.Errorf("action %q: %w", line, err)
		}
	}
	return a, nil
}
