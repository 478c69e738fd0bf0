package machine

// Offset is the position of a record in the log; the first is 0.
type Offset int64

// BlockNumber is the number of a block; the genesis block is 0.
type BlockNumber uint64

// ConfigSeq is a channel's config sequence.
type ConfigSeq uint64

// RuleSet names the rules by which records become blocks. It is kept in block
// metadata with these numbers.
type RuleSet int

const (
	Undescribed RuleSet = 0 // no description record seen yet
	Strict      RuleSet = 1
)

// Limits are the channel's batch limits (Fabric's BatchSize).
type Limits struct {
	MaxMessageCount   uint32
	AbsoluteMaxBytes  uint32
	PreferredMaxBytes uint32
}

// Class is what the accepting orderer took the envelope for.
type Class int

const (
	ClassUnknown Class = iota
	Normal
	Config
)

// Envelope is an envelope as its structural decoding found it. The machine
// never looks into Bytes.
type Envelope struct {
	Bytes   []byte // the serialized envelope
	Size    int    // len(payload) + len(signature): what Fabric's limits count
	Channel string // channel id of its channel header
	Type    int32  // header type of its channel header (Fabric's common.HeaderType)
	Flaw    string // why it does not decode; empty if it does
}

// Input is one of Garbage, Connect, TimeToCut, Regular (records, at strictly
// increasing offsets), Verdict (the answer to a Judge effect) and Configured
// (the answer to a WriteConfigBlock effect).
type Input interface{ input() }

type (
	// Garbage is a record that does not decode, or has no type.
	Garbage struct {
		Offset Offset
		Flaw   string
	}
	// Connect is a connect record; Description is nil unless its payload is one.
	Connect struct {
		Offset      Offset
		Description *Description
		Flaw        string // why a non-empty payload is no description; empty if it is, or if the payload is empty
	}
	// TimeToCut is a request to cut the pending batch as block Block.
	TimeToCut struct {
		Offset Offset
		Block  BlockNumber
	}
	// Regular is a record that carries an envelope.
	Regular struct {
		Offset    Offset
		Class     Class
		ConfigSeq ConfigSeq
		Envelope  Envelope
	}
	// Verdict answers the Judge effect that the last record led to. An empty
	// Refusal means that the envelope holds at the config in force.
	Verdict struct {
		Refusal string
	}
	// Configured answers WriteConfigBlock: the config now in force.
	Configured struct {
		Seq    ConfigSeq
		Limits Limits
	}
)

func (Garbage) input()    {}
func (Connect) input()    {}
func (TimeToCut) input()  {}
func (Regular) input()    {}
func (Verdict) input()    {}
func (Configured) input() {}

// Description is the payload of the topic's first record.
type Description struct {
	FormatVersion uint32
	RuleSet       RuleSet
	Channel       string
	GenesisHash   []byte // SHA-256 of the header of block 0
}

// Metadata is what a block carries so that a restart needs only the block.
type Metadata struct {
	Offset  Offset // last record that need not be read again
	RuleSet RuleSet
}

// Cause says why a block was cut.
type Cause string

const (
	CauseCount     Cause = "count"     // MaxMessageCount reached
	CauseBytes     Cause = "bytes"     // the next envelope would not fit
	CauseLarge     Cause = "large"     // one envelope larger than PreferredMaxBytes
	CauseTimeToCut Cause = "timetocut" // a time-to-cut record asked for it
	CauseConfig    Cause = "config"    // flushed by a config record, or the config block itself
)

// Effect is something the shell must do, in the order given, before the next
// input. An effect that asks (Judge, WriteConfigBlock) is always the last of
// its Step; the next input must be its answer.
type Effect interface{ effect() }

type (
	// WriteBlock writes a block of normal envelopes.
	WriteBlock struct {
		Number    BlockNumber
		Envelopes []Envelope
		Metadata  Metadata
		Cause     Cause
	}
	// WriteConfigBlock writes a block that holds one config envelope, then
	// answers with Configured.
	WriteConfigBlock struct {
		Number   BlockNumber
		Envelope Envelope
		Metadata Metadata
	}
	// Judge asks whether the envelope holds at the config in force, by checks
	// that give every orderer the same answer; answered with Verdict.
	Judge struct {
		Offset   Offset
		Class    Class // Normal: size, maintenance state and writers policy. Config: would WriteConfigBlock take it.
		Envelope Envelope
	}
	// Reproduce asks for a lagging config envelope to be computed anew at the
	// config in force and appended, until it is in the log; or to be dropped
	// when its update no longer applies. No answer.
	Reproduce struct {
		Offset   Offset
		Envelope Envelope
	}
	// ArmTimer starts the batch timer for the block of this number.
	ArmTimer struct{ Block BlockNumber }
	// CancelTimer stops it.
	CancelTimer struct{}
	// Described reports that the description was accepted: ingress may open.
	Described struct {
		Offset  Offset
		RuleSet RuleSet
	}
	// Skip reports a record that is passed over. Reason is one of a fixed set
	// (a metric label); Detail is for people.
	Skip struct {
		Offset Offset
		Reason Reason
		Detail string
	}
	// Halt ends the channel: the topic contradicts it.
	Halt struct {
		Offset Offset
		Detail string
	}
)

func (WriteBlock) effect()       {}
func (WriteConfigBlock) effect() {}
func (Judge) effect()            {}
func (Reproduce) effect()        {}
func (ArmTimer) effect()         {}
func (CancelTimer) effect()      {}
func (Described) effect()        {}
func (Skip) effect()             {}
func (Halt) effect()             {}

// Reason is why a record was skipped.
type Reason string

const (
	ReasonGarbage     Reason = "garbage"     // the record does not decode
	ReasonConnect     Reason = "connect"     // a connect record without a new description: no fault
	ReasonStaleCut    Reason = "stale-cut"   // a time-to-cut for another block, or with nothing pending: no fault
	ReasonMalformed   Reason = "malformed"   // the envelope does not decode
	ReasonChannel     Reason = "channel"     // the envelope is another channel's
	ReasonClass       Reason = "class"       // class and header type disagree
	ReasonSize        Reason = "size"        // larger than AbsoluteMaxBytes
	ReasonRefused     Reason = "refused"     // judged not to hold at the config in force
	ReasonDescription Reason = "description" // a later description, equal or foreign
)
