package sim

// Shrink removes actions from a plan that violates an invariant, as long as the rest
// violates the same one. It plays at most tries plans.
func Shrink(plan Plan, p Profile, invariant string, tries int) Plan {
	fails := func(actions []Action) bool {
		tries--
		return Play(Plan{plan.Orderers, plan.Speeds, plan.Builds, actions}, p).Invariant == invariant
	}
	actions := plan.Actions
	for size := len(actions) / 2; size > 0 && tries > 0; {
		less, shorter := without(actions, size, fails, &tries)
		actions = less
		if !shorter {
			size /= 2
		}
	}
	plan.Actions = smaller(actions, fails, &tries)
	return plan
}

// without removes chunks of a size wherever the rest still fails.
func without(actions []Action, size int, fails func([]Action) bool, tries *int) (rest []Action, shorter bool) {
	for at := 0; at < len(actions) && *tries > 0; {
		end := min(at+size, len(actions))
		fewer := append(append([]Action(nil), actions[:at]...), actions[end:]...)
		if fails(fewer) {
			actions, shorter = fewer, true
			continue
		}
		at = end
	}
	return actions, shorter
}

// smaller makes the numbers of the actions as small as possible.
func smaller(actions []Action, fails func([]Action) bool, tries *int) []Action {
	actions = append([]Action(nil), actions...)
	for i := range actions {
		for _, change := range []func(*Action){
			func(a *Action) { a.C = 0 }, func(a *Action) { a.B = 0 }, func(a *Action) { a.A = 0 }, func(a *Action) { a.A = 1 },
			func(a *Action) { a.Orderer = 0 }, func(a *Action) { a.Orderer %= 3 },
		} {
			was := actions[i]
			change(&actions[i])
			if *tries <= 0 || actions[i] != was && !fails(actions) {
				actions[i] = was
			}
		}
	}
	return actions
}
