package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// description is the record from which the strict rules apply.
//
// Kafka cannot append on the condition that nobody else has. Between the check for other
// writers and the description
//   - an in-tree orderer that was idle may append a record. It runs, and its ledger forks from
//     ours at the first block after the description: see [description.append];
//   - another run of the command may describe the topic. The first description counts, and
//     the second changes nothing;
//   - the topic may be deleted and recreated. The description has the id of the one that
//     was checked, and our orderers stop at a topic with another id in any case.
type description struct {
	topic   log.Log
	checked log.Offset // every record before it was checked for foreign writers
	at      log.Offset // of the record, once it is in the topic
}

// append appends the record unless another client has appended since the check, which is then
// repeated for everything that is in the topic by now: what nobody can prevent is at least reported.
func (d *description) append(ctx context.Context, start machine.Start, id log.Identity) (late inspect.Writers, err error) {
	value, err := session.DescriptionRecord(start, machine.Strict, id)
	if err != nil {
		return late, err
	}
	since, err := inspect.WritersSince(ctx, d.topic, d.checked, func(log.Record) {})
	if err != nil {
		return late, err
	}
	if since.Foreign > 0 {
		return late, fmt.Errorf("another client has appended since the check, %s: stop the in-tree orderers and try again", foreignText(since.First))
	}
	d.at = -1
	appended := d.topic.Append(ctx, value)
	if appended != nil && log.ClassOf(appended) != log.Ambiguous {
		return late, appended
	}
	late, err = inspect.WritersSince(ctx, d.topic, since.Next, func(r log.Record) {
		if d.at < 0 && bytes.Equal(r.Value, value) {
			d.at = r.Offset
		}
	})
	switch {
	case d.at >= 0 && err == nil:
		return late, nil
	case appended != nil:
		return late, fmt.Errorf("%w: the description may or may not be in the topic; `osnkafka topic` lists it; a second one changes nothing", appended)
	case err != nil:
		return late, fmt.Errorf("the description is in the topic, but whether another client has appended meanwhile is not known; `osnkafka topic` lists the records: %w", err)
	}
	return late, errors.New("the brokers have acknowledged the description, and it is not in the topic: it was lost with a leader; run the command again")
}

// upgraded is the result of upgrade-rules.
type upgraded struct {
	Channel   string `json:"channel"`
	TopicID   string `json:"topicId"`
	Records   int    `json:"checkedRecords"`
	Foreign   int    `json:"byOtherWriters"`
	Window    string `json:"window"`
	Described bool   `json:"described"`           // false after --dry-run
	Offset    int64  `json:"offset"`              // of the description, if described
	Late      int    `json:"byOtherWritersSince"` // records appended after the check

	late inspect.Writers
}

func (u upgraded) Value() any { return u }

func (u upgraded) Table(out io.Writer) error {
	what := "described as strict"
	if !u.Described {
		what = "could be described as strict, and was not (--dry-run)"
	}
	if u.Described {
		what += fmt.Sprintf(" at offset %d", u.Offset)
	}
	_, err := fmt.Fprintf(out, "channel %s: %s, topic id %s; the last %d records checked, %d by another client\n", u.Channel, what, u.TopicID, u.Records, u.Foreign)
	if err != nil || !u.Described {
		return err
	}
	_, err = fmt.Fprintln(out, "Every orderer logs the rules that it reads by, and the offset from which they apply. If none does,\n"+
		"the record was lost with a leader: run the command again. A second description changes nothing.")
	return err
}

func (u upgraded) Err() error {
	if u.late.Foreign == 0 {
		return nil
	}
	return fmt.Errorf("channel %s: described at offset %d, and another client has appended since the check, %s: "+
		"an in-tree orderer is running, and its ledger forks from ours at the first block after that offset; "+
		"stop it now, and do not use its later blocks", u.Channel, u.Offset, foreignText(u.late.First))
}
