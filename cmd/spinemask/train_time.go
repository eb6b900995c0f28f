package main

import (
	"time"

	"github.com/spinemask/spinemask/train"
)

// timedSteps are those whose time decides how many fit into --minutes; the first one
// reads pictures and makes room, and does not count.
const timedSteps = 4

// fitTime makes the number of steps that which --minutes has time for: after the first
// few, and again at each validation if the rest would take too long. It is never raised
// later, so that the learning rate falls as was planned.
func (r *trainRun) fitTime(p train.Progress) error {
	f, g := r.flags, &r.progress
	if f.minutes == 0 {
		return nil
	}
	if p.Step > 1 {
		r.timed.steps++
		r.timed.took += p.Took
	}
	whole := time.Duration(f.minutes * float64(time.Minute) / r.timesOver())
	first := !g.Fitted && r.timed.steps == timedSteps
	if !first && !(g.Fitted && r.due(p.Step) && r.timed.steps > 0) {
		return nil
	}
	each := r.timed.took.Seconds() / float64(r.timed.steps)
	left := 0.96*whole.Seconds() - r.spent().Seconds() // the rest is for the report
	if first {
		each += 0.1 * each // for validation, until it has been timed
		steps := p.Step + max(1, int(left/each))
		if f.given("steps") {
			steps = min(steps, r.recipe.Steps)
		}
		r.talk.say("time     %s a step: %d steps in %g minutes", (r.timed.took / timedSteps).Round(time.Millisecond), steps, f.minutes)
		g.Fitted = true
		return r.setSteps(steps)
	}
	if share := r.validating.Seconds() / (float64(g.Every) * each); share > 0.2 && f.every == 0 { // often enough is enough
		g.Every = int(float64(g.Every)*share/0.2) + 1
	}
	validations := float64((r.recipe.Steps-p.Step)/g.Every) + 1
	need := float64(r.recipe.Steps-p.Step)*each + validations*r.validating.Seconds()
	if need <= 1.03*left {
		return nil
	}
	each += r.validating.Seconds() / float64(g.Every)
	steps := p.Step + max(0, int((left-r.validating.Seconds())/each))
	if steps >= r.recipe.Steps {
		return nil
	}
	r.talk.say("time     it goes slower than it began: %d steps in place of %d", steps, r.recipe.Steps)
	return r.setSteps(steps)
}

func (r *trainRun) setSteps(steps int) error {
	r.trainer.SetSteps(steps)
	if r.flags.every == 0 && r.trainer.StepDone() <= timedSteps+1 {
		r.progress.Every = max(1, steps/20)
	}
	if err := r.writeRecipe(); err != nil {
		return err
	}
	return r.save()
}
