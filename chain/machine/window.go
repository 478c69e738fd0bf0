package machine

import (
	"crypto/sha256"
	"encoding/binary"
)

// Window is a run of records, and what distinguishes it from any other run at the same
// offsets. One record is not enough: a log that was truncated and filled again may
// well have an equal one there, an empty one for instance. A window covers all the
// records that a block was made from, including its envelopes.
type Window struct {
	FirstOffset, LastOffset Offset // of its first and last record
	RecordsDigest           Digest // over offsets and digests; zero for a window without records, or one that is not known
	records                 int
	bytes                   int64
}

// A window of this many records or bytes is full, and another begins:
// a topic may be flooded with records that get into no block, and a window is read again
// after an election and at a start. Blocks name their window's first record, so that a
// release with other bounds understands them, although its own blocks have other windows.
const (
	maxRecords = 4096
	maxBytes   = 16 << 20
)

// With returns the window with one more record, whose value has size bytes.
func (w Window) With(at Offset, d Digest, size int) Window {
	if w.records == 0 {
		w.FirstOffset, w.RecordsDigest = at, Digest{}
	}
	var b [2*len(Digest{}) + 8]byte
	copy(b[:], w.RecordsDigest[:])
	copy(b[len(w.RecordsDigest):], d[:])
	binary.BigEndian.PutUint64(b[2*len(w.RecordsDigest):], uint64(at))
	sum := sha256.Sum256(b[:])
	copy(w.RecordsDigest[:], sum[:])
	w.LastOffset = at
	w.records++
	w.bytes += int64(size)
	return w
}

// Counted returns w with the counts of a window that was read again: a block does not record them.
func (w Window) Counted(read Window) Window {
	w.records, w.bytes = read.records, read.bytes
	return w
}

// Known reports whether there is anything to compare.
func (w Window) Known() bool { return w.RecordsDigest != Digest{} }

// position is a record in the log, and the window that ends with it.
type position struct {
	offset Offset
	window Window
}

// after returns the position of the next record.
func (p position) after(at Offset, d Digest, size int) position {
	if p.window.records >= maxRecords || p.window.bytes >= maxBytes {
		p.window = Window{}
	}
	return position{at, p.window.With(at, d, size)}
}
