// Package history records what happened in a run, as a file of JSON lines: the
// envelopes that clients sent, the answers that they got, the faults in brokers and
// orderers, and finally the blocks of every orderer. [Check] looks for broken promises
// in it. It does not depend on how the orderers work.
package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// What names a kind of event.
type What string

const (
	Began        What = "began"        // the run: Orderers are all orderers, Height is the number of their blocks, Faults are the requested ones
	Ended        What = "ended"        // the sending, after the last fault
	Died         What = "died"         // Text is a process that ended by itself
	Panicked     What = "panicked"     // Text is a process and the first line of its panic
	Submitted    What = "submitted"    // a client sends an envelope
	Acknowledged What = "acknowledged" // the answer was SUCCESS
	Refused      What = "refused"      // the answer was another one; Text is the answer
	Unknown      What = "unknown"      // there was no answer; Text is why
	Fault        What = "fault"        // Text was injected; with a Role: into Target, while Holder had the role
	Done         What = "done"         // the fault named Text was injected and repaired
	Block        What = "block"        // an orderer has a block
)

// Role is a role for which the target of a fault is chosen.
type Role string

const (
	Leader     Role = "leader"
	Follower   Role = "follower" // of the leader, which is the Holder
	Controller Role = "controller"
)

// Event is one line.
type Event struct {
	At   time.Time `json:"at"`
	What What      `json:"what"`

	ID      string `json:"id,omitempty"`      // of an envelope: the SHA-256 of its bytes
	Client  int    `json:"client,omitempty"`  // number of the client, from 1; each sends one envelope after the other
	Orderer string `json:"orderer,omitempty"` // that the envelope was sent to, or that has the block
	Text    string `json:"text,omitempty"`

	Orderers []string `json:"orderers,omitempty"`
	Height   uint64   `json:"height,omitempty"`
	Faults   []string `json:"faults,omitempty"` // names of the requested faults: each at least once
	Rounds   int      `json:"rounds,omitempty"` // or only this number of faults in all; 0: each of them

	Target string `json:"target,omitempty"` // the process that a fault was injected into
	Role   Role   `json:"role,omitempty"`   // for which it was chosen; empty for none
	Holder string `json:"holder,omitempty"` // the process that had the role then, as others report

	Number   uint64   `json:"number,omitempty"` // of the block
	Config   bool     `json:"config,omitempty"` // it holds a channel config
	Header   string   `json:"header,omitempty"` // hash of its header
	Previous string   `json:"previous,omitempty"`
	IDs      []string `json:"ids,omitempty"` // of its envelopes
}

// Writer writes events. It is safe for concurrent use.
type Writer struct {
	mu    sync.Mutex
	out   *json.Encoder
	err   error
	acked int
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: json.NewEncoder(out)} }

// Add writes an event, with the current time if it has none.
func (w *Writer) Add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if e.What == Acknowledged {
		w.acked++
	}
	if w.err == nil {
		w.err = w.out.Encode(e)
	}
}

// Submitted records that a client sends an envelope to an orderer. A nil Writer writes nothing.
func (w *Writer) Submitted(id string, client int, orderer string) {
	if w != nil {
		w.Add(Event{What: Submitted, ID: id, Client: client, Orderer: orderer})
	}
}

// Answered records the answer that a client got: a nil error is SUCCESS; any other error is
// the orderer's answer if answer is true, or else the reason why there was none.
func (w *Writer) Answered(id string, err error, answer bool) {
	switch {
	case w == nil:
	case err == nil:
		w.Add(Event{What: Acknowledged, ID: id})
	case answer:
		w.Add(Event{What: Refused, ID: id, Text: err.Error()})
	default:
		w.Add(Event{What: Unknown, ID: id, Text: err.Error()})
	}
}

// Acknowledged returns how many envelopes were acknowledged so far.
func (w *Writer) Acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked
}

// Err returns the first error of writing.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Read returns the events of a file.
func Read(in io.Reader) (events []Event, err error) {
	for d := json.NewDecoder(in); ; {
		var e Event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, fmt.Errorf("history, after event %d: %w", len(events), err)
		}
		events = append(events, e)
	}
}
