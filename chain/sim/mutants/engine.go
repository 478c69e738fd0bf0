package mutants

var engineDecisions = []Mutant{
	{"topic-id-ignored", "goes on with a topic that was made anew", "engine/check.go",
		"	if err := e.sameTopic(id); err != nil {", "	if err := e.sameTopic(id); err != nil && id.Partitions > 9 {"},
	{"tail-ignored", "goes on with a log whose tail is another", "engine/tail.go",
		"case read != w.Counted(read):", "case read.To > w.To+1<<40:"},
	{"one-block-window", "knows the log by the records of the last block alone", "engine/tail.go",
		"const enough = 64", "const enough = 0"},
	{"copy-not-insisted", "forgets a config update that it could not append at once", "engine/reproduce.go",
		"	if err != nil && log.ClassOf(err) != log.Rejected {\n		return err\n	}", "	if err != nil && log.ClassOf(err) != log.Rejected {\n		e.owed = nil\n		return err\n	}"},
	{"record-taken-twice", "gives a record to the machine twice", "engine/engine.go",
		"	return e.took(e.step(ctx, in))", "	if err := e.step(ctx, in); err != nil {\n		return err\n	}\n	return e.took(e.step(ctx, in))"},
	{"source-not-asked", "writes blocks without asking which topic their records are of", "engine/effects.go",
		"		if err := e.sourced(ctx); err != nil {", "		if err := e.sourced(ctx); err != nil && e.goal > 1<<40 {"},
	{"pulled-beside-the-machine", "takes another orderer's blocks and goes on with what it had read itself", "engine/pull.go",
		"	e.machine, e.effects, e.owed, e.reproduced = nil, nil, nil, reproduced{}", "	e.effects, e.owed, e.reproduced = nil, nil, reproduced{}"},
	{"pulled-without-config", "goes on with the limits of before a config block that it took from another orderer", "engine/pull.go",
		"	e.start.Seq, e.start.Limits, e.start.Resubmission = c.Seq, c.Limits, c.Resubmission", "	_ = c"},
	{"pulled-too-few", "gives up when the first orderer that it asks has no block", "engine/pull.go",
		"		case errors.Is(err, ErrNoBlock):\n			return e.unrecoverable(err)\n		case err != nil:", "		case err != nil:\n			e.bare, e.bareSince = true, -1<<60\n			return e.unrecoverable(err)\n		case false:"},
	{"held-back-forgotten", "forgets the block that it could not write at once", "engine/effects.go",
		"			return nil, err\n		}\n	}\n	for len", "			e.effects = nil\n			return nil, err\n		}\n	}\n	for len"},
	{"failure-forgets-nothing", "takes a failed append of the description for done", "engine/describe.go",
		"	if err := e.host.Append(ctx, value); err != nil {", "	if err := e.host.Append(ctx, value); err != nil && e.goal > 1<<40 {"},
	{"retries-what-is-final", "tries for ever where only an operator can help", "engine/engine.go",
		"	case errors.As(err, &s):\n		return Stop", "	case errors.As(err, &s) && e.goal < 1<<40:"},
	{"stops-at-a-failure", "stops for good when it loses the brokers", "engine/engine.go",
		"	e.host.Moved(CutOff, err)\n	return Retry", "	e.host.Moved(CutOff, err)\n	return Stop"},
	{"timer-lost", "does not post a time-to-cut again that could not be appended", "engine/post.go",
		"	return false, p.Wait.Pause()", "	return true, 0"},
	{"cuts-another-block", "posts a time-to-cut for the block after", "engine/post.go",
		"record.NewTimeToCut(uint64(p.Block))", "record.NewTimeToCut(uint64(p.Block) + 1)"},
	{"takes-before-described", "takes envelopes before the topic is described", "engine/ready.go",
		"case r.Phase == Reading && r.Described:", "case r.Phase == Reading:"},
	{"takes-when-stopped", "takes envelopes after the channel has stopped", "engine/ready.go",
		"		return fmt.Errorf(\"%w: %w\", ErrFailed, r.Cause)", "		return nil"},
}

var clientAnswers = []Mutant{
	{"acknowledges-anyway", "acknowledges before the append is known to have worked", "engine/submit.go",
		"	err := append(ctx, value)\n", "	_ = append(ctx, value)\n	err := error(nil)\n"},
	{"denies-the-unknown", "says of an append of unknown outcome that it did not happen", "engine/submit.go",
		"		return fmt.Errorf(\"%w: the envelope may or may not be ordered: %w\", ErrNotReady, err)", "		return fmt.Errorf(\"%w: the envelope is not ordered: %s\", ErrNotReady, err)"},
}

// models are defects of what the simulation has in the place of Fabric and of
// timers: they stand for a host that breaks the engine's contract.
var models = []Mutant{
	{"judges-by-the-clock", "lets the clock decide what is in a block", "sim/host.go",
		"	default:\n		err = o.ledger.config().allows(c)\n", "	case o.now() > c.expires:\n		err = errors.New(\"expired\")\n	default:\n		err = o.ledger.config().allows(c)\n"},
	{"cuts-by-the-clock", "cuts by its own clock instead of asking the topic", "sim/orderer.go",
		"		done, _ := t.Try(context.Background(), o.appendCut)\n", "		done, _ := t.Try(context.Background(), func(_ context.Context, value []byte) error {\n			return o.engine.Take(context.Background(), log.Record{Offset: log.Offset(o.engine.Next()), Value: value})\n		})\n"},
	{"acks-without-quorum", "acknowledges when the log did not", "sim/wire.go",
		"	case before:\n		return &log.Error{Class: log.Retryable, Op: \"append\", Topic: channelID, Err: errFault}", "	case before:\n		return nil"},
}
