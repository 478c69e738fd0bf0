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
	Compatible  RuleSet = 2 // what in-tree orderers of Fabric v1.4 to v2.5 do
)

// Digest identifies the value of a record: the first 16 bytes of its SHA-256.
// Zero stands for one that is not known.
type Digest [16]byte

// Limits are the channel's batch limits (Fabric's BatchSize).
type Limits struct {
	MaxMessageCount   uint32
	AbsoluteMaxBytes  uint32
	PreferredMaxBytes uint32
}

// Class is how the accepting orderer classified the envelope.
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

	// Why it does not decode, or why no peer would accept a block with it, from the outside in; empty
	// if there is nothing. Below the first that is not empty nothing is known.
	Flaw       string // the envelope itself
	HeaderFlaw string // its payload and channel header
	SignerFlaw string // its signature, its signature header, or the content of a transaction

	// What decides which envelopes can share a block: see [strict].
	Opaque   bool       // no transaction of chaincode, or peers cannot read it down to its results
	Written  []StateKey // the keys that a transaction writes, or whose endorsement policy it sets
	Policies []StateKey // the keys whose endorsement policy it sets
}

// StateKey stands for a key of a chaincode or of one of its collections: a hash.
type StateKey uint64

// Input is one of Garbage, Connect, TimeToCut, Regular (records, at strictly
// increasing offsets), Verdict (the answer to a Judge or Resubmit effect) and
// Configured (the answer to a WriteConfigBlock effect).
type Input interface{ input() }

type (
	// Garbage is a record that does not decode, or has no type.
	Garbage struct {
		Offset Offset
		Digest Digest
		Size   int // of the record's value, in bytes
		Flaw   string
	}
	// Connect is a connect record; Description is nil unless its payload is one.
	Connect struct {
		Offset      Offset
		Digest      Digest
		Size        int
		Description *Description
		Flaw        string // why a non-empty payload is no description; empty if it is, or if the payload is empty
	}
	// TimeToCut is a request to cut the pending batch as block Block.
	TimeToCut struct {
		Offset Offset
		Digest Digest
		Size   int
		Block  BlockNumber
	}
	// Regular is a record that carries an envelope.
	Regular struct {
		Offset    Offset
		Digest    Digest
		Size      int
		Class     Class
		ConfigSeq ConfigSeq
		Original  Offset // of the record that this one is a copy of; 0 if it is none
		Envelope  Envelope
	}
	// Verdict answers the Judge or Resubmit effect that the last record led to. An
	// empty Refusal means that the envelope is valid at the config in force; after a
	// Resubmit, that its copy is in the log.
	//
	// Stop is not empty when this orderer cannot give the verdict that every other
	// one gives: its build does not support what the envelope asks for, or
	// failed on it. Skipping the record here while others write a block of it would be
	// a fork, so the channel stops before the record.
	Verdict struct {
		Refusal string
		Stop    string
	}
	// Configured answers WriteConfigBlock: the config now in force.
	Configured struct {
		Seq          ConfigSeq
		Limits       Limits
		Resubmission bool // the channel's capability; the strict rules do not ask
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
	Topic         string // the topic's id; empty if the brokers have none
	Cluster       string // id of the cluster that it is in; empty if the brokers have none, or if it was not written
}

// Metadata is what a block carries so that a restart needs only the block.
type Metadata struct {
	Offset        Offset // last record that need not be read again
	RuleSet       RuleSet
	FirstOffset   Offset // of the window that ends at Offset
	RecordsDigest Digest // of the window's records; zero if no record is at Offset, and in blocks of in-tree orderers
	Cut           Digest // of the next record after it, if that is why the block was cut; zero if not
	Topic         string // id of the topic by the description in force; empty if it names none
	Marks         Marks
}

// Marks are what the compatible rules keep in addition to the position. They stay
// zero on a topic that was strict from its beginning.
type Marks struct {
	Processed   Offset // highest original offset of the copies that were ordered
	Resubmitted Offset // of the newest config record known to have been resubmitted
	Shown       Offset // Resubmitted as the block shows it to in-tree orderers: 0 if a time-to-cut cut it
	Overflow    bool   // the block was cut because the record after it did not fit
	Upgraded    Offset // of the description that upgraded the topic to the strict rules; 0 if none did
}

// CutCause is why a block was cut.
type CutCause string

const (
	CutByCount     CutCause = "count"     // MaxMessageCount reached
	CutByBytes     CutCause = "bytes"     // the next envelope would not fit
	CutByLarge     CutCause = "large"     // one envelope larger than PreferredMaxBytes
	CutByConflict  CutCause = "conflict"  // the next envelope, after what was pending, would stop peers
	CutByTimeToCut CutCause = "timetocut" // a time-to-cut record asked for it
	CutByConfig    CutCause = "config"    // flushed by a config record, or the config block itself
)

// Effect is something the caller must do, in the order given, before the next
// input. An effect that asks ([Judge], [Resubmit], [WriteConfigBlock]) is always the
// last of its Step; the next input must be its answer.
type Effect interface{ effect() }

type (
	// WriteBlock writes a block of normal envelopes.
	WriteBlock struct {
		Number    BlockNumber
		Envelopes []Envelope
		Metadata  Metadata
		Cause     CutCause
	}
	// WriteConfigBlock writes a block that holds one config envelope, then
	// answers with Configured.
	WriteConfigBlock struct {
		Number   BlockNumber
		Envelope Envelope
		Metadata Metadata
	}
	// Judge asks whether the envelope is valid at the config in force; answered
	// with Verdict.
	Judge struct {
		Offset   Offset
		Class    Class
		Check    Check
		Envelope Envelope
	}
	// ResubmitConfig asks for a stale config envelope to be computed again at the
	// config in force and appended, until it is in the log; or to be dropped
	// when its update no longer applies. No answer.
	ResubmitConfig struct {
		Offset   Offset
		Envelope Envelope
	}
	// Resubmit asks for a stale envelope to be checked as Broadcast checks it
	// and, if it is valid, to be appended again as a copy of the record at Offset,
	// until it is in the log; answered with Verdict.
	Resubmit struct {
		Offset   Offset
		Class    Class
		Envelope Envelope
	}
	// ArmTimer starts the batch timer for the block of this number.
	ArmTimer struct{ Block BlockNumber }
	// CancelTimer stops it.
	CancelTimer struct{}
	// Described reports the rules by which the topic is read: ingress may open. Topic and Cluster are the ids that a description names.
	Described struct {
		Offset  Offset
		RuleSet RuleSet
		Topic   string
		Cluster string
	}
	// Skip reports a record that is skipped. Reason is one of a fixed set
	// (a metric label); Detail is for people.
	Skip struct {
		Offset Offset
		Reason Reason
		Detail string
	}
	// Halt ends the channel at a record that this orderer cannot take. Cause is one of
	// a fixed set (a metric label); Detail is for people: the facts, and no remedy.
	Halt struct {
		Offset Offset
		Cause  HaltCause
		Detail string
	}
)

func (WriteBlock) effect()       {}
func (WriteConfigBlock) effect() {}
func (Judge) effect()            {}
func (ResubmitConfig) effect()   {}
func (Resubmit) effect()         {}
func (ArmTimer) effect()         {}
func (CancelTimer) effect()      {}
func (Described) effect()        {}
func (Skip) effect()             {}
func (Halt) effect()             {}

// Check selects the checks that a verdict rests on.
type Check int

const (
	// CheckAgreed: checks that give every orderer the same answer. Normal: size and the
	// Writers policy of normal mode. Config: would WriteConfigBlock take it.
	CheckAgreed Check = iota
	// CheckBroadcast: all that Broadcast checks, clock and local flags included.
	CheckBroadcast
	// CheckWriter: would WriteConfigBlock of every orderer take it, and nothing else.
	CheckWriter
	// CheckPulled: would WriteConfigBlock of this orderer take it, from a block that
	// another orderer has written. The machine does not ask for it.
	CheckPulled
)

// Reason is why a record was skipped.
type Reason string

const (
	ReasonGarbage       Reason = "garbage"     // the record does not decode
	ReasonConnect       Reason = "connect"     // a connect record without a new description: no fault
	ReasonUnexpectedCut Reason = "stale-cut"   // a time-to-cut for another block, or with nothing pending: no fault
	ReasonMalformed     Reason = "malformed"   // the envelope does not decode, or no peer would accept a block with it
	ReasonChannel       Reason = "channel"     // the envelope is another channel's
	ReasonClass         Reason = "class"       // class and header type disagree
	ReasonSize          Reason = "size"        // larger than AbsoluteMaxBytes
	ReasonRefused       Reason = "refused"     // judged invalid at the config in force
	ReasonDescription   Reason = "description" // a later description, equal or foreign
	ReasonCopy          Reason = "copy"        // a copy of an envelope that was ordered: no fault
	ReasonResubmitted   Reason = "resubmitted" // its config sequence is stale; a copy of it is in the log: no fault
	ReasonIgnoredCut    Reason = "passed"      // a time-to-cut that an operator has the machine ignore
)

// HaltCause is why the machine halts its channel.
type HaltCause string

const (
	HaltNoDescription  HaltCause = "no-description"  // the topic does not begin with a description
	HaltOtherChannel   HaltCause = "other-channel"   // the description is of another channel
	HaltUnknownFormat  HaltCause = "unknown-format"  // the description asks for what this build does not read
	HaltNotAllowed     HaltCause = "not-allowed"     // the description asks for the compatible rules, which are not allowed here
	HaltImpossibleCut  HaltCause = "impossible-cut"  // compatible: a time-to-cut that no orderer has a reason to send
	HaltUnusableConfig HaltCause = "unusable-config" // compatible: a config record that cannot become a block
	HaltNewChannel     HaltCause = "new-channel"     // compatible: a record that creates a channel through the system channel
	HaltNoVerdict      HaltCause = "no-verdict"      // this orderer cannot judge the record as the others do
)
