package cocoeval

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spinemask/spinemask/coco"
)

// An Evaluator compares detections with the annotations of a data set. Its methods may be called from many goroutines; the
// order in which images come does not matter. It keeps scores and what they were matched with, not masks.
type Evaluator struct {
	p *Params
	g *truth

	counted [][]int                   // annotations that count: per category and area range
	crowds  func(k, other int32) bool // for error curves

	mu      sync.Mutex
	pieces  [][]*piece // per category
	added   []bool     // per image
	file    []string   // per image: the results file that its detections are of; "": another way
	matched []bool     // per annotation of g: its pair was observed
	results int        // detections that were added
	seen    []*seen    // for Outcomes
	merged  bool       // detections came by Merge
	filed   []int32    // for Outcomes: the annotations of g by image, then place in the file
	w       warnings   // of the data set
	found   warnings   // of detections
}

// New prepares the evaluation of detections on d, which must have been read with p.IoU.Fields.
func New(d *coco.Dataset, p Params) (*Evaluator, error) {
	p.MaxDets = slices.Sorted(slices.Values(p.MaxDets))
	if err := p.Check(); err != nil {
		return nil, err
	}
	e := &Evaluator{p: &p}
	var err error
	if e.g, err = newTruth(d, &p, &e.w); err != nil {
		return nil, err
	}
	e.pieces = make([][]*piece, len(e.g.categories))
	e.added, e.file = make([]bool, len(e.g.images.ids)), make([]string, len(e.g.images.ids))
	if p.Observe != nil {
		e.matched = make([]bool, len(e.g.entry))
	}
	if p.MatchIoU != 0 {
		e.filed = e.g.filed()
	}
	e.counted = make([][]int, len(e.g.categories))
	for k := range e.counted {
		e.counted[k] = make([]int, len(p.Areas))
	}
	for j, k := range e.g.category {
		for a := range p.Areas {
			if !e.g.ignoredIn(int32(j), &p.Areas[a]) {
				e.counted[k][a]++
			}
		}
	}
	return e, nil
}

// AddResults adds the detections of a results file.
func (e *Evaluator) AddResults(r *coco.Results) error {
	var w warnings
	if r.ByteOrderMark {
		w.add("byte-order-mark", "files begin with a byte order mark, which Python's json refuses", func() string { return r.File })
	}
	if r.InObject {
		if e.p.Mode == Strict {
			return fmt.Errorf("cocoeval: %s: object, want a list of results", r.File)
		}
		w.add("results-in-object", "results files with an object around the list", func() string { return r.File })
	}
	d, err := newDetections(&r.Annotations, r.Fail, e.g, e.p, &w)
	if err != nil {
		return err
	}
	if err := d.placedNone(e.g, e.p); err != nil {
		return err
	}
	return e.add(d, r.File, &w)
}

// add matches a batch of detections, of a results file or "".
func (e *Evaluator) add(d *detections, file string, w *warnings) error {
	base, err := e.claim(d, file)
	if err != nil {
		return err
	}
	chunks := cut(d)
	errs := make([]error, len(chunks))
	var next atomic.Int32
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(chunks)) {
		wg.Go(func() {
			g := e.g
			if e.crowds != nil {
				g = g.private()
			}
			m := newMatcher(e.p, g, d)
			m.crowds, m.own, m.seen = e.crowds, len(g.entry), e.matched
			if e.p.MatchIoU != 0 {
				m.watch = newWatch(m, e.filed, base)
			}
			for {
				n := int(next.Add(1)) - 1
				if n >= len(chunks) {
					return
				}
				if errs[n] = m.chunk(&chunks[n]); errs[n] != nil {
					return // all chunks before n were begun, so the first error is the same every time
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var lint coco.BoxCheck
	for i := range chunks {
		c := &chunks[i]
		for j := range c.pieces {
			e.pieces[c.pieces[j].category] = append(e.pieces[c.pieces[j].category], &c.pieces[j])
		}
		if c.seen != nil {
			e.seen = append(e.seen, c.seen)
		}
		w.merge(&c.warnings)
		lint.Merge(&c.lint)
	}
	reportBoxes(&lint, w, "results", "")
	e.found.merge(w)
	return nil
}

// claim marks the images of a batch as added, which they may be once. It returns how many detections were added before.
func (e *Evaluator) claim(d *detections, file string) (base int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var again int32 = -1
	mine := make([]bool, len(e.added))
	for _, image := range d.image {
		if image >= 0 && !mine[image] {
			if e.added[image] {
				again = image
				break
			}
			mine[image] = true
		}
	}
	if again >= 0 {
		return 0, e.twice(again, file)
	}
	for image, yes := range mine {
		if yes {
			e.added[image], e.file[image] = true, file
		}
	}
	base = e.results
	e.results += d.Len()
	return base, nil
}

// twice is the error of an image whose detections were added, and come again in a file, if it is not "".
func (e *Evaluator) twice(image int32, file string) error {
	name, before := e.g.images.name(image), e.file[image]
	switch {
	case file == "":
		return fmt.Errorf("cocoeval: image %s: detections were added twice", name)
	case before == "":
		return fmt.Errorf("cocoeval: %s: image %s: detections were added twice", file, name)
	}
	return fmt.Errorf("cocoeval: %s: image %s has results in %s already; each file must hold other images, or their lists be joined", file, name, before)
}

// recoverFault turns the fault of reading a mapped file that became shorter into an error.
func recoverFault(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if e := recover(); e != nil {
			if _, fault := e.(interface{ Addr() uintptr }); !fault {
				panic(e)
			}
			*err = errors.New("cocoeval: a file changed while it was read")
		}
	}
}

// observeRest calls Observe for the images and categories that have annotations only.
func (e *Evaluator) observeRest() error {
	if e.p.Observe == nil {
		return nil
	}
	m := newMatcher(e.p, e.g, &detections{Annotations: &coco.Annotations{}})
	m.out = new(piece)
	for from := int32(0); int(from) < len(e.g.entry); {
		k, image := e.g.category[from], e.g.image[from]
		to := from + 1
		for int(to) < len(e.g.entry) && e.g.category[to] == k && e.g.image[to] == image {
			to++
		}
		if !e.matched[from] {
			if err := m.pair(k, image, nil, from, to); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// Evaluate accumulates what was added until now.
func (e *Evaluator) Evaluate() (*Evaluation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.observeRest(); err != nil {
		return nil, err
	}
	w := warnings{list: slices.Clone(e.w.list)}
	w.merge(&e.found)
	out := &Evaluation{
		Params: *e.p, Categories: e.g.categories,
		Images: len(e.g.images.ids), Annotations: len(e.g.entry),
		from: accumulated{p: e.p, counted: e.counted},
	}
	for _, pieces := range e.pieces {
		out.from.pieces = append(out.from.pieces, slices.Clone(pieces))
		for _, q := range pieces {
			out.Detections += len(q.score)
		}
	}
	out.noteMaxDets(&w)
	slices.SortStableFunc(w.list, func(a, b Warning) int { return strings.Compare(a.Code, b.Code) })
	out.Warnings = w.list
	out.brief = out.from.curves(out.summarized(), false)
	return out, nil
}

// Evaluate compares a results file with a data set.
func Evaluate(d *coco.Dataset, r *coco.Results, p Params) (*Evaluation, error) {
	e, err := New(d, p)
	if err != nil {
		return nil, err
	}
	if err := e.AddResults(r); err != nil {
		return nil, err
	}
	return e.Evaluate()
}
