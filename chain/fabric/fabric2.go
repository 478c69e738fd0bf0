//go:build !fabric3

// Package fabric is the only package that uses the parts of Fabric whose
// import path differs between Fabric lines: protocol messages, logging,
// metrics and crypto. This file serves v2.5 and the module that go.mod
// requires; fabric3.go, with the opposite build constraint, serves 3.x.
//
// plugin, chain and consenter import these names, never a protos module
// directly (the linter checks it); network and integration are only ever built
// against go.mod's Fabric and may.
package fabric

import (
	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-lib-go/healthz"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/bccsp"
	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/common/metrics"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Messages of the ledger and of the channel configuration.
type (
	Block                = cb.Block
	BlockHeader          = cb.BlockHeader
	ChannelHeader        = cb.ChannelHeader
	Config               = cb.Config
	ConfigEnvelope       = cb.ConfigEnvelope
	ConfigGroup          = cb.ConfigGroup
	ConfigUpdate         = cb.ConfigUpdate
	ConfigUpdateEnvelope = cb.ConfigUpdateEnvelope
	ConfigValue          = cb.ConfigValue
	Envelope             = cb.Envelope
	Header               = cb.Header
	LastConfig           = cb.LastConfig
	Metadata             = cb.Metadata
	Payload              = cb.Payload
	SignatureHeader      = cb.SignatureHeader

	MetadataSignature    = cb.MetadataSignature
	OrdererBlockMetadata = cb.OrdererBlockMetadata

	IdemixMSPConfig    = msp.IdemixMSPConfig
	SerializedIdentity = msp.SerializedIdentity

	BatchSize      = ab.BatchSize
	ConsensusType  = ab.ConsensusType
	ConsensusState = ab.ConsensusType_State
	KafkaBrokers   = ab.KafkaBrokers
	RaftMetadata   = etcdraft.ConfigMetadata
	RaftOptions    = etcdraft.Options
)

// Further messages of a channel configuration.
type (
	Message = proto.Message

	ACLs                      = pb.ACLs
	AnchorPeers               = pb.AnchorPeers
	BatchTimeout              = ab.BatchTimeout
	BlockDataHashingStructure = cb.BlockDataHashingStructure
	Capabilities              = cb.Capabilities
	Capability                = cb.Capability
	ChannelRestrictions       = ab.ChannelRestrictions
	ConfigPolicy              = cb.ConfigPolicy
	Consortium                = cb.Consortium
	FabricMSPConfig           = msp.FabricMSPConfig
	HashingAlgorithm          = cb.HashingAlgorithm
	ImplicitMetaPolicy        = cb.ImplicitMetaPolicy
	MSPConfig                 = msp.MSPConfig
	MSPRole                   = msp.MSPRole
	OrdererAddresses          = cb.OrdererAddresses
	SignaturePolicyEnvelope   = cb.SignaturePolicyEnvelope
)

// Messages of a chaincode transaction.
type (
	ChaincodeAction         = pb.ChaincodeAction
	ChaincodeActionPayload  = pb.ChaincodeActionPayload
	ChaincodeEndorsedAction = pb.ChaincodeEndorsedAction
	ProposalResponsePayload = pb.ProposalResponsePayload
	Transaction             = pb.Transaction
	TransactionAction       = pb.TransactionAction

	HashedRWSet     = kvrwset.HashedRWSet
	KVMetadataWrite = kvrwset.KVMetadataWrite
	KVRWSet         = kvrwset.KVRWSet
	KVWrite         = kvrwset.KVWrite
	NsReadWriteSet  = rwset.NsReadWriteSet
	TxReadWriteSet  = rwset.TxReadWriteSet
)

// PrincipalRole is the classification of a principal that is an MSPRole.
const PrincipalRole = msp.MSPPrincipal_ROLE

// Policy types of a channel configuration.
const (
	PolicySignature    = int32(cb.Policy_SIGNATURE)
	PolicyMSP          = int32(cb.Policy_MSP)
	PolicyImplicitMeta = int32(cb.Policy_IMPLICIT_META)
)

// Messages for requesting blocks from orderers.
type (
	DeliverResponse = ab.DeliverResponse
	Status          = cb.Status
)

// StatusNotFound is the answer of an orderer that does not serve the channel.
const StatusNotFound = cb.Status_NOT_FOUND

// HeaderTypeSeek is the header type of a SeekInfo, as protoutil expects it.
const HeaderTypeSeek = cb.HeaderType_DELIVER_SEEK_INFO

// NewDeliverer returns a client of an orderer's blocks.
func NewDeliverer(connection *grpc.ClientConn) ab.AtomicBroadcastClient {
	return ab.NewAtomicBroadcastClient(connection)
}

// SeekOfNewest returns a request for the newest block, even of a channel that has stopped.
func SeekOfNewest() *ab.SeekInfo {
	newest := &ab.SeekPosition{Type: &ab.SeekPosition_Newest{Newest: &ab.SeekNewest{}}}
	return &ab.SeekInfo{Start: newest, Stop: newest, ErrorResponse: ab.SeekInfo_BEST_EFFORT}
}

// SeekOfBlocks returns a request for the blocks from one number to another, even of a channel that has stopped.
func SeekOfBlocks(first, last uint64) *ab.SeekInfo {
	at := func(number uint64) *ab.SeekPosition {
		return &ab.SeekPosition{Type: &ab.SeekPosition_Specified{Specified: &ab.SeekSpecified{Number: number}}}
	}
	return &ab.SeekInfo{Start: at(first), Stop: at(last), Behavior: ab.SeekInfo_FAIL_IF_NOT_READY, ErrorResponse: ab.SeekInfo_BEST_EFFORT}
}

// Header types that the ordering rules distinguish.
const (
	TypeEndorser           = int32(cb.HeaderType_ENDORSER_TRANSACTION)
	TypeConfig             = int32(cb.HeaderType_CONFIG)
	TypeConfigUpdate       = int32(cb.HeaderType_CONFIG_UPDATE)
	TypeOrdererTransaction = int32(cb.HeaderType_ORDERER_TRANSACTION)
)

// HeaderTypeConfig is TypeConfig as protoutil expects it, HeaderTypeConfigUpdate that of an update.
const (
	HeaderTypeConfig       = cb.HeaderType_CONFIG
	HeaderTypeConfigUpdate = cb.HeaderType_CONFIG_UPDATE
)

// The consensus states; StateMaintenance is that of maintenance mode.
const (
	StateNormal      = ab.ConsensusType_STATE_NORMAL
	StateMaintenance = ab.ConsensusType_STATE_MAINTENANCE
)

// Host services.
type (
	CryptoProvider = bccsp.BCCSP
	Logger         = flogging.FabricLogger

	MetricsProvider = metrics.Provider
	Counter         = metrics.Counter
	CounterOpts     = metrics.CounterOpts
	Gauge           = metrics.Gauge
	GaugeOpts       = metrics.GaugeOpts
	Histogram       = metrics.Histogram
	HistogramOpts   = metrics.HistogramOpts

	HealthChecker = healthz.HealthChecker
)

// HealthRegistry registers checks for /healthz: the orderer's operations system.
type HealthRegistry interface {
	RegisterChecker(component string, checker HealthChecker) error
}

// NewLogger returns Fabric's logger of that name.
func NewLogger(name string) *Logger { return flogging.MustGetLogger(name) }

// Marshal serializes a message of Fabric's.
func Marshal(m proto.Message) ([]byte, error) { return proto.Marshal(m) }

// Unmarshal decodes a message of Fabric's.
func Unmarshal(b []byte, m proto.Message) error { return proto.Unmarshal(b, m) }

// Equal reports whether two messages of Fabric's are equal.
func Equal(a, b proto.Message) bool { return proto.Equal(a, b) }

// Reflect returns the reflective view of a message of Fabric's.
func Reflect(m proto.Message) protoreflect.Message { return proto.MessageReflect(m) }
