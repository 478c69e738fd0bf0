package sim

import (
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

const reading = status.Reading

// lose loses records, which no cluster with the recommended settings does.
func (w *World) lose(a Action) {
	values := w.values()
	if w.loss != nil || len(values) == 0 {
		return
	}
	l := &loss{verb: a.Verb, at: log.Offset(w.at(a.A)), values: slices.Clone(values),
		heights: map[*Orderer]int{}, next: map[*Orderer]int64{}, taken: map[*Orderer]log.Offset{}}
	for _, o := range w.orderers {
		l.heights[o], l.next[o], l.taken[o] = o.ledger.height(), o.next(), o.seen
		l.covers = append(l.covers, o.ledger.next())
	}
	w.loss = l
	switch a.Verb {
	case Trim:
		w.truth = values[:l.at]
		w.broker.Trim(channelID, l.at)
	case CutTail:
		w.epoch++
		w.broker.CutTail(channelID, l.at)
		w.refill(a.B)
		if a.C == 1 { // the last record is the last again, at its offset
			last := len(values) - 1
			w.refill(last - w.broker.Len(channelID))
			if w.broker.Len(channelID) == last {
				w.broker.Write(channelID, values[last])
			}
		}
	case Recreate:
		l.at = 0
		w.epoch = 0
		w.late = nil
		w.broker.Recreate(channelID)
		if a.C == 1 { // records were restored from a copy
			w.broker.Write(channelID, values...)
		}
		w.refill(a.B)
	}
}

// refill writes new records.
func (w *World) refill(n int) {
	for i := range n {
		w.inject(normal(i%clients, expiryNone, fmt.Sprintf("refill-%d", i), 20), firstSeq)
	}
}

// next returns the offset that the orderer reads next, by its process or its
// ledger; -1 if neither has read.
func (o *Orderer) next() int64 {
	if o.driver != nil && o.driver.Machine() != nil {
		return int64(o.driver.NextOffset())
	}
	if o.ledger.height() == 1 {
		return -1
	}
	return o.ledger.last().position().LastOffsetPersisted + 1
}
