package chain

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	cb "github.com/hyperledger/fabric-protos-go/common"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	commonerrors "github.com/hyperledger/fabric/common/errors"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/core/committer/txvalidator/plugin"
	"github.com/hyperledger/fabric/core/committer/txvalidator/v20/plugindispatcher"
	"github.com/hyperledger/fabric/core/common/validation/statebased"
	api "github.com/hyperledger/fabric/core/handlers/validation/api"
	validation "github.com/hyperledger/fabric/core/handlers/validation/api/state"
	peerledger "github.com/hyperledger/fabric/core/ledger"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
)

// peerBlock is a peer's key-level validation of one block, with endorsement policies that
// everybody satisfies. It is sequential: a transaction waits only for those ahead of it.
type peerBlock struct {
	*statebased.KeyLevelValidationParameterManagerImpl
	t        *testing.T
	accept   func(envelope []byte) pb.TxValidationCode
	klv      *statebased.KeyLevelValidator
	policies policies.Manager
	block    *fabric.Block
	inserted map[uint64]bool
	at       int
	died     error
	done     bool
}

func (p *peerBlock) ExtractValidationParameterDependency(block, tx uint64, rwset []byte) {
	p.inserted[tx] = true
	p.KeyLevelValidationParameterManagerImpl.ExtractValidationParameterDependency(block, tx, rwset)
}

// outcome returns why a peer does not get past the block; nil if it does.
func (r *real) outcome(t *testing.T, b *fabric.Block) (err error) {
	synctest.Test(t, func(t *testing.T) {
		p := &peerBlock{
			KeyLevelValidationParameterManagerImpl: &statebased.KeyLevelValidationParameterManagerImpl{
				StateFetcher: couchState{}, PolicyTranslator: couchState{},
			},
			t: t, accept: r.validates, policies: r.chain.support.PolicyManager(), block: b, inserted: map[uint64]bool{},
		}
		p.klv = statebased.NewKeyLevelValidator(statebased.NewV20Evaluator(p, couchState{}, couchState{}, couchState{}), p)
		go p.run()
		synctest.Wait()
		switch {
		case !p.done:
			err = fmt.Errorf("transaction %d waits without limit", p.at)
			p.release()
			synctest.Wait()
		case p.died != nil:
			err = fmt.Errorf("transaction %d: %w", p.at, p.died)
		}
	})
	return err
}

func (p *peerBlock) run() {
	defer func() { p.done = true }()
	p.died = guard.Call(func() error {
		plugins := plugindispatcher.NewPluginValidator(p, p, nil, nil, p, nil)
		dispatcher := plugindispatcher.New(fabrictest.ChannelID, nil, p, couchState{}, plugins)
		for p.at = range p.block.Data.Data {
			if err := p.transaction(dispatcher); err != nil {
				return err
			}
		}
		return nil
	})
}

type dispatcher interface {
	Dispatch(tx int, payload *fabric.Payload, envelope []byte, block *fabric.Block) (pb.TxValidationCode, error)
}

// transaction does with a transaction what core/committer/txvalidator/v20 does: that stops a channel
// for an error of its own and flags the transaction for every other.
func (p *peerBlock) transaction(d dispatcher) error {
	raw := p.block.Data.Data[p.at]
	header, err := protoutil.ChannelHeader(protoutil.UnmarshalEnvelopeOrPanic(raw))
	if err != nil || header.Type != int32(cb.HeaderType_ENDORSER_TRANSACTION) || p.accept(raw) != pb.TxValidationCode_VALID {
		return nil
	}
	_, err = d.Dispatch(p.at, protoutil.UnmarshalPayloadOrPanic(protoutil.UnmarshalEnvelopeOrPanic(raw).Payload), raw, p.block)
	var execution *commonerrors.VSCCExecutionFailureError
	var lookup *commonerrors.VSCCInfoLookupFailureError
	if errors.As(err, &execution) || errors.As(err, &lookup) {
		return err
	}
	return nil
}

// Validate does what the default validation plugin does.
func (p *peerBlock) Validate(b *fabric.Block, namespace string, tx, _ int, _ ...api.ContextDatum) error {
	action, err := protoutil.GetActionFromEnvelope(b.Data.Data[tx])
	if err != nil {
		return err
	}
	p.klv.PreValidate(uint64(tx), b)
	invalid := p.klv.Validate(namespace, b.Header.Number, uint64(tx), action.Results, nil, []byte("policy"), nil)
	p.klv.PostValidate(namespace, b.Header.Number, uint64(tx), invalid)
	var execution *commonerrors.VSCCExecutionFailureError
	switch {
	case invalid == nil:
		return nil
	case errors.As(invalid, &execution):
		return &api.ExecutionFailureError{Reason: invalid.Error()}
	}
	return invalid
}

func (p *peerBlock) FactoryByName(plugin.Name) api.PluginFactory         { return p }
func (p *peerBlock) Manager(string) policies.Manager                     { return p.policies }
func (p *peerBlock) New() api.Plugin                                     { return p }
func (p *peerBlock) Init(...api.Dependency) error                        { return nil }
func (p *peerBlock) NewQueryExecutor() (peerledger.QueryExecutor, error) { return noQueries{}, nil }

// release ends the wait of the transaction at p.at.
func (p *peerBlock) release() {
	for tx := range uint64(p.at) {
		if !p.inserted[tx] {
			p.ExtractValidationParameterDependency(p.block.Header.Number, tx, nil)
		}
		for _, ns := range []string{"cc", "other"} {
			p.SetTxValidationResult(ns, p.block.Header.Number, tx, fmt.Errorf("never validated"))
		}
	}
}

// couchState is the state of a peer with CouchDB: no keys, two chaincodes, which have set
// a key's policy once, and policies that everybody satisfies.
type couchState struct{ validation.State }

type noQueries struct{ peerledger.QueryExecutor }

func (noQueries) Done() {}

// lookup returns the error of statecouchdb for a name in a URL.
func lookup(key string) error {
	if key == "" || key[0] == '_' || !utf8.ValidString(key) || len(key) > 8000 {
		return fmt.Errorf("CouchDB refuses the key %.40q", key)
	}
	return nil
}

// databaseOf returns the error of statecouchdb for a namespace that is a database's name.
func databaseOf(namespace string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9.$_()+-]*$`).MatchString(namespace) {
		return fmt.Errorf("CouchDB refuses the database %.40q", namespace)
	}
	return nil
}

func (s couchState) FetchState() (validation.State, error)        { return s, nil }
func (couchState) Done()                                          {}
func (couchState) Evaluate([]byte, []*protoutil.SignedData) error { return nil }
func (couchState) Translate([]byte) ([]byte, error)               { return nil, nil }
func (couchState) GetStateMetadata(ns, key string) (map[string][]byte, error) {
	return nil, errors.Join(databaseOf(ns), lookup(key))
}

func (couchState) GetPrivateDataMetadataByHash(ns, collection string, hash []byte) (map[string][]byte, error) {
	return nil, errors.Join(databaseOf(ns+"$$h"+collection), lookup(base64.StdEncoding.EncodeToString(hash)))
}

func (couchState) ValidationInfo(_, chaincode string, _ peerledger.SimpleQueryExecutor) (plugin string, args []byte, unexpected, invalid error) {
	switch chaincode {
	case "cc", "other", "_lifecycle":
		return "vscc", []byte("policy"), nil, nil
	}
	return "", nil, lookup(chaincode), fmt.Errorf("chaincode %s not found", chaincode)
}

func (couchState) CollectionValidationInfo(_, _ string, _ validation.State) (args []byte, unexpected, invalid error) {
	return []byte("policy"), nil, nil
}
