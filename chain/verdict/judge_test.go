package verdict

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// judged holds the results of a build for a corpus.
type judged struct {
	Line     string
	Channels []string              // why Fabric does not start the channel; empty if it does
	Answers  []map[string]answered // of each question, by what was asked; none for a channel that does not start
}

// answered is the result for a record, or of one check of an envelope.
type answered struct {
	Stops  bool   // the build cannot judge it, and its channel stops
	Result string // equal on all builds that do not stop
	Says   string // why
}

// judge answers the questions of a corpus with Fabric's own code of this build: its
// registrar, and what it gives to every chain.
func judge(c *corpus) *judged {
	all := &judged{Line: fabrictest.ThisLine().Name, Answers: make([]map[string]answered, len(c.Questions))}
	supports := make([]Support, len(c.Channels))
	for i, g := range c.Channels {
		err := guard.Call(func() (err error) { supports[i], err = g.start(); return err })
		all.Channels = append(all.Channels, "")
		if err != nil {
			all.Channels[i] = err.Error()
		}
	}
	flogging.Init(flogging.Config{LogSpec: "fatal", Writer: io.Discard})
	for i, q := range c.Questions {
		if s := supports[q.Channel]; s != nil {
			all.Answers[i] = q.answers(s)
		}
	}
	return all
}

func (g given) start() (Support, error) {
	genesis, err := protoutil.UnmarshalBlock(g.Genesis)
	if err != nil {
		return nil, err
	}
	net := &fabrictest.Network{Genesis: genesis, Orderer: fabrictest.ReadIdentity(g.MSP, g.Certificate, g.Key)}
	o := net.Start(func(consensus.ConsenterSupport, []byte) consensus.Chain { return chainOf{} })
	return o.ConsenterSupport.(Support), nil
}

// chainOf is one of our chains, reduced to what Fabric's message processor calls.
type chainOf struct{ consensus.Chain }

func (chainOf) ValidateConsensusMetadata(now, next channelconfig.Orderer, _ bool) error {
	return CheckConsensus(now, next)
}

func (chainOf) StatusReport() (types.ConsensusRelation, types.Status) {
	return types.ConsensusRelationConsenter, types.StatusActive
}

// answers returns what a machine of each rule set does with a record of the envelope, stale and not, and the results
// of the checks that no such record leads to.
func (q question) answers(s Support) map[string]answered {
	v, all := New(s, fabrictest.Crypto()), map[string]answered{}
	for _, rules := range []machine.RuleSet{machine.Strict, machine.Compatible} {
		for _, seq := range []machine.ConfigSeq{stale, current} {
			all[fmt.Sprintf("%s rules, sequence %d", rules, seq)] = q.run(v, rules, seq)
		}
	}
	checks := map[string]machine.Check{"broadcast": machine.CheckBroadcast}
	if q.Class == machine.Config {
		checks["writer"], checks["pulled"] = machine.CheckWriter, machine.CheckPulled
	}
	for name, check := range checks {
		all[name] = ofVerdict(v.Judge(machine.Judge{Offset: 7, Class: q.Class, Check: check, Envelope: record.EnvelopeOf(q.Envelope)}))
	}
	return all
}

// The config sequence of a stale record, and the one in force.
const stale, current = machine.ConfigSeq(0), machine.ConfigSeq(1)

func ofVerdict(v machine.Verdict) answered {
	switch {
	case v.Stop != "":
		return answered{Stops: true, Says: v.Stop}
	case v.Refusal != "":
		return answered{Result: "refused", Says: v.Refusal}
	}
	return answered{Result: "accepted"}
}

// process returns the result for a stale record of the compatible rules.
func process(v *Validator, q question) answered {
	return ofCopy(q.Class, func() ([]byte, error) { b, _, err := v.Process(q.Class, q.Envelope); return b, err })
}

// ofCopy returns the result for a copy of an envelope: the config in it, for a config.
func ofCopy(class machine.Class, makes func() ([]byte, error)) answered {
	copied, err := makes()
	switch {
	case errors.Is(err, session.ErrUnknown), errors.Is(err, guard.ErrNoVerdict):
		return answered{Stops: true, Says: err.Error()}
	case err != nil:
		return answered{Result: "refused", Says: err.Error()}
	case class == machine.Normal:
		return answered{Result: fmt.Sprintf("copied as %x", sha256.Sum256(copied))}
	}
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(copied, envelope); err != nil {
		return answered{Result: "garbled", Says: err.Error()}
	}
	config, err := ConfigOf(envelope)
	if err != nil {
		return answered{Result: "garbled", Says: err.Error()}
	}
	return answered{Result: fmt.Sprintf("copied with config %x", sha256.Sum256(stable(config)))}
}

// run returns what a machine does with a record of the envelope.
func (q question) run(v *Validator, rules machine.RuleSet, seq machine.ConfigSeq) answered {
	m := machine.New(machine.Start{
		Channel: channel, Next: 1, Seq: current, Resubmission: true, AllowUndescribed: true,
		Limits:   machine.Limits{MaxMessageCount: 1, PreferredMaxBytes: 1 << 19, AbsoluteMaxBytes: 1 << 20},
		Metadata: machine.Metadata{Offset: 9, RuleSet: rules},
	})
	var done answered
	var results []string
	in := record.InputOf(10, q.value(seq))
	for in != nil {
		effects := m.Step(in)
		in = nil
		for _, e := range effects {
			switch e := e.(type) {
			case machine.Judge:
				in = v.Judge(e)
			case machine.Resubmit:
				in = resubmitted(process(v, question{Class: e.Class, Envelope: e.Envelope.Bytes}))
			case machine.ResubmitConfig:
				again := ofCopy(machine.Config, func() ([]byte, error) { b, _, err := v.Reproduce(e.Envelope.Bytes); return b, err })
				done.Stops, done.Says = again.Stops, again.Says
				results = append(results, again.Result)
			case machine.Halt:
				done.Stops, done.Says = true, e.Detail
			case machine.Skip:
				results, done.Says = append(results, fmt.Sprintf("skipped: %s", e.Reason)), e.Detail
			case machine.WriteBlock:
				results = append(results, "block "+digest(e.Number, e.Metadata, e.Envelopes...))
			case machine.WriteConfigBlock:
				results = append(results, "config block "+digest(e.Number, e.Metadata, e.Envelope))
			}
		}
	}
	done.Result = strings.Join(results, "; ")
	return done
}

// digest returns the digest of a block; the flaws of its envelopes are not part of it.
func digest(number machine.BlockNumber, m machine.Metadata, envelopes ...machine.Envelope) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %+v", number, m)
	for _, e := range envelopes {
		fmt.Fprintf(sum, " %x", e.Bytes)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}

func resubmitted(a answered) machine.Verdict {
	switch {
	case a.Stops:
		return machine.Verdict{Stop: a.Says}
	case a.Result == "refused":
		return machine.Verdict{Refusal: a.Says}
	}
	return machine.Verdict{}
}

// write saves the results of a build, for the process that compares them.
func (j *judged) write(file string) error {
	text, err := json.MarshalIndent(j, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func readJudged(file string) (*judged, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	j := &judged{}
	return j, json.Unmarshal(text, j)
}
