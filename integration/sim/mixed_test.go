package sim

import "testing"

// TestMixedOrderers: our orderers and in-tree ones share a topic by the compatible rules, with config updates that
// race with traffic, and write blocks with equal envelopes, and equal metadata in the three fields that in-tree
// orderers have. (Restarts and failing appends are left out: with those, in-tree orderers diverge.)
func TestMixedOrderers(t *testing.T) {
	p := Profile{Orderers: 4, Steps: 300, Compatible: true, Mixed: true, Measured: true, Updates: true}
	blocks, copies := 0, 0
	for seed := range uint64(40) {
		w := minuteAfter(seed, p)
		ours := w.orderers[0].ledger.blocks
		for _, o := range w.orderers[1:] {
			theirs := o.ledger.blocks
			if len(theirs) != len(ours) {
				t.Fatalf("seed %d: %s has %d blocks, orderer 0 has %d", seed, o, len(theirs), len(ours))
			}
			for n := 1; n < len(ours); n++ {
				a, b := ours[n].position(), theirs[n].position()
				if !equalData(ours[n].Envelopes, theirs[n].Envelopes) || a.LastOffsetPersisted != b.LastOffsetPersisted ||
					a.LastOriginalOffsetProcessed != b.LastOriginalOffsetProcessed || a.LastResubmittedConfigOffset != b.LastResubmittedConfigOffset {
					t.Fatalf("seed %d: block %d of %s differs: %v, want %v", seed, n, o, b, a)
				}
				copies += int(a.LastOriginalOffsetProcessed)
			}
		}
		blocks += len(ours)
	}
	if blocks < 1200 || copies == 0 {
		t.Errorf("%d blocks, original offsets sum to %d: too few to show anything", blocks, copies)
	}
}

// TestCompatibleUnclean: also by the compatible rules, leaders that lack unread records make none of our orderers
// stop or write a different block, and pending envelopes are cut. (That some envelopes are ordered twice is a defect
// of those rules.)
func TestCompatibleUnclean(t *testing.T) {
	p := Profile{Orderers: 3, Steps: 300, Compatible: true, Updates: true, Unclean: true}
	lost := 0
	for seed := range uint64(150) {
		w := minuteAfter(seed, p)
		shown := map[defect]bool{}
		w.inspect(shown)
		for _, d := range []defect{forked, differs, ended, neverCut} {
			if shown[d] {
				t.Errorf("seed %d: %s", seed, d)
			}
		}
		lost += w.happened["lost time-to-cut"] + w.happened["lost config"] + w.happened["lost envelope"]
	}
	if lost < 500 {
		t.Errorf("%d records were lost: too few to show anything", lost)
	}
}
