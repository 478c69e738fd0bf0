package machine

import "fmt"

// longest is how much of a record's own text goes into a detail, in bytes. A
// record may be as long as the broker allows, and details end in logs, in the
// channel's status and in the errors of clients.
const longest = 250

// clip shortens text from a record.
func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", s[:longest], len(s))
}

// quote returns a name from a record as printable ASCII.
func quote(s string) string { return fmt.Sprintf("%+q", clip(s)) }
