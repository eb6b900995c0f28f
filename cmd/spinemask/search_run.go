package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/search"
	"github.com/spinemask/spinemask/search/proxy"
)

// searchRun is one process of a search.
type searchRun struct {
	flags  *searchFlags
	talk   *talk
	folder string
	header *searchHeader
	task   *proxy.Task
	trials *trials.Folder
	space  *search.Space
	began  time.Time

	controller search.Controller
	learned    int // trials that it knows the scores of, the first ones
	measured   int // by this process
	took       time.Duration
	merged     time.Time     // when the lines were written last
	merging    time.Duration // how long that took
}

// run tries architectures until there are enough, or there is no time for another.
func (r *searchRun) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.trials.Close()) }()
	if r.space, err = r.header.problem(); err != nil {
		return err
	}
	r.sayBegin()
	for r.timeForMore() {
		t, err := r.next()
		if err != nil {
			return err
		}
		if t == nil {
			break
		}
		if err := r.measure(ctx, t); err != nil {
			if ctx.Err() != nil {
				if _, err := r.finish(); err != nil {
					return err
				}
				r.talk.say("interrupted; go on with: %s", r.resumeCommand())
				return exit(exitInterrupted)
			}
			return hinted{err, "--resume begins with this architecture again; if it never fits, another folder with a smaller --batch or --size"}
		}
	}
	list, err := r.finish()
	if err != nil {
		return err
	}
	r.sayEnd(list)
	return nil
}

func (r *searchRun) sayBegin() {
	h := r.header
	end := fmt.Sprintf("%d architectures", r.evaluations())
	if r.evaluations() == 0 {
		end = fmt.Sprintf("%g minutes", r.flags.minutes)
	}
	r.talk.say("search   %s, space %s, %.3g to %.3g of SpineNet-49's %.1f G multiply-adds, seed %d", h.Controller, h.Space, h.Band[0], h.Band[1], float64(h.MACs)/1e9, h.Seed)
	r.talk.say("         %s, each trained for %d steps of %d images of %d×%d pixels", end, h.Steps, h.Batch, h.Size, h.Size)
}

// evaluations is how many architectures are tried in all; 0: as many as there is time for.
func (r *searchRun) evaluations() int {
	switch {
	case r.flags.given("evaluations"):
		return r.flags.evaluations
	case r.flags.minutes > 0:
		return 0
	}
	return r.header.Evaluations
}

// timeForMore says whether another architecture would be done in time, if it takes as long as those before.
func (r *searchRun) timeForMore() bool {
	if r.flags.minutes == 0 || r.measured == 0 {
		return true
	}
	return time.Since(r.began)+r.took/time.Duration(r.measured) <= time.Duration(r.flags.minutes*float64(time.Minute))
}

// next is the architecture to measure now, claimed: one that a dead process has left, or a new one; nil if there is none.
func (r *searchRun) next() (*trials.Trial, error) {
	for {
		list, err := r.trials.Trials()
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].Score != nil {
				continue
			}
			if mine, err := r.trials.Claim(i); mine || err != nil {
				return &list[i], err
			}
		}
		if n := r.evaluations(); n > 0 && len(list) >= n {
			return nil, nil
		}
		t, err := r.propose(list)
		if err != nil {
			return nil, err
		}
		if err := r.trials.Propose(*t); err != nil && !errors.Is(err, trials.ErrTaken) {
			return nil, err
		}
	}
}

// redraws is how often a controller is asked before a random architecture is taken.
const redraws = 100

// propose asks the controller for an architecture that was not proposed before. It follows from the scores that are known, and from the seed.
func (r *searchRun) propose(list []trials.Trial) (*trials.Trial, error) {
	if err := r.learn(list); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, t := range list {
		known[tableKey(t.Table)] = true
	}
	random := rand.New(rand.NewPCG(r.header.Seed, uint64(len(list))))
	for _, c := range []search.Controller{r.controller, search.NewRandom(r.space)} {
		for range redraws {
			choices := c.Propose(random)
			if choices == nil {
				break
			}
			table, err := r.space.Table(choices)
			if err != nil {
				return nil, err
			}
			if known[tableKey(table)] {
				continue
			}
			cost, err := r.space.Band.Count(table)
			if err != nil {
				return nil, err
			}
			return &trials.Trial{Index: len(list), Choices: choices, Table: table, Parameters: cost.Params, MACs: cost.MACs, Seed: r.header.Seed}, nil
		}
	}
	return nil, hinted{fmt.Errorf("no architecture of %s within the band %g-%g that was not tried", r.header.Space, r.header.Band[0], r.header.Band[1]), "a wider --band, in another folder"}
}

// learn brings the controller to the scores of all trials before the first that is not measured yet. So it learns them in their order, whoever measured them; with
// several processes the newest ones, at most as many as there are processes, come later.
func (r *searchRun) learn(list []trials.Trial) (err error) {
	if r.controller == nil {
		if r.controller, err = search.NewController(r.header.Controller, r.space, r.header.Seed); err != nil {
			return err
		}
	}
	for ; r.learned < len(list) && list[r.learned].Score != nil; r.learned++ {
		r.controller.Learn(list[r.learned].Choices, list[r.learned].Score.AP)
	}
	return nil
}

// tableKey is the same for the same architecture.
func tableKey(t *config.BlockTable) string {
	data, err := json.Marshal(t)
	if err != nil {
		panic("search: a block table that JSON cannot hold")
	}
	return string(data)
}

// measure trains an architecture and writes its score.
func (r *searchRun) measure(ctx context.Context, t *trials.Trial) error {
	began := time.Now()
	score, err := r.task.Score(ctx, t.Table, r.flags.threads)
	if err != nil {
		return err
	}
	took := time.Since(began)
	r.measured++
	r.took += took
	t.Score = &score
	if err := r.trials.Finish(*t, took.Seconds()); err != nil {
		return err
	}
	list, err := r.lines()
	if err != nil {
		return err
	}
	best := bestTrials(list, 1)[0]
	word := fmt.Sprintf("the best is number %d with %.3f", best.Index+1, best.Score.AP)
	switch {
	case score.Diverged:
		word = "its loss was no number any more; " + word
	case best.Index == t.Index:
		word = "the best so far"
	}
	r.talk.say("number %d: box AP %.3f, %.1f M parameters, %.1f G multiply-adds, in %s; %s", t.Index+1, score.AP, float64(t.Parameters)/1e6, float64(t.MACs)/1e9, roundTime(took), word)
	return nil
}

// lines are all that is measured. They are written for people, too, unless that takes more than a hundredth of the time, as it would with thousands of them.
func (r *searchRun) lines() ([]trials.Trial, error) {
	if time.Since(r.merged) < 100*r.merging {
		list, err := r.trials.Trials()
		return slices.DeleteFunc(list, func(t trials.Trial) bool { return t.Score == nil }), err
	}
	began := time.Now()
	list, err := r.trials.Merge()
	if err != nil {
		return nil, err
	}
	err = writeBest(r.trials, list)
	r.merged, r.merging = time.Now(), time.Since(began)
	return list, err
}

// finish writes what is made of all lines, and returns them. Like the lines it is written again until nothing has come in between.
func (r *searchRun) finish() ([]trials.Trial, error) {
	for written := -1; ; {
		list, err := r.trials.Merge()
		if err != nil || len(list) == written {
			return list, err
		}
		if err := writeSearch(r.trials, r.folder, r.header, list); err != nil {
			return nil, err
		}
		written = len(list)
	}
}

func (r *searchRun) sayEnd(list []trials.Trial) {
	all, err := r.trials.Trials()
	if n := len(all) - len(list); err == nil && n > 0 {
		r.talk.say("         %d more being measured by other processes", n)
	}
	if len(list) == 0 {
		return
	}
	best := bestTrials(list, 1)[0]
	r.talk.say("best     number %d of %d, box AP %.3f of the proxy", best.Index+1, len(list), best.Score.AP)
	r.talk.say("report   %s", r.path(searchReportFile))
	table := quoted(r.path(bestFile(0)))
	r.talk.say("wrote %s; train it: spinemask train %s --block-table %s --batch 4 --minutes 60 -o mine.safetensors", table, r.dataArguments(), table)
}

func (r *searchRun) path(name string) string { return filepath.Join(r.folder, name) }

func (r *searchRun) dataArguments() string {
	if r.header.Images == "" {
		return quoted(r.header.Data)
	}
	return quoted(r.header.Data) + " --images " + quoted(r.header.Images)
}

// resumeCommand goes on with the search as it is.
func (r *searchRun) resumeCommand() string {
	command := "spinemask search --resume " + quoted(r.folder)
	for _, name := range []struct{ flag, value string }{
		{"evaluations", fmt.Sprint(r.flags.evaluations)}, {"minutes", number(r.flags.minutes)}, {"threads", fmt.Sprint(r.flags.threads)},
	} {
		if r.flags.given(name.flag) {
			command += " --" + name.flag + " " + name.value
		}
	}
	return command
}
