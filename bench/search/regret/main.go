// Command regret lets every controller of package search look for the best network of a world, all of whose scores are known (package tabular), and says how
// far from the best they end:
//
//	go run ./bench/search/regret -to DIRECTORY
//
// The directory gets a line for each search (runs.jsonl) and then what they come to (regret.json, regret.md). Stopped and run again, the command goes on with
// the searches that are missing.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/spinemask/spinemask/bench/search/tabular"
	"github.com/spinemask/spinemask/search"
)

// evaluations are the numbers of candidates after which regret is told.
var evaluations = []int{10, 25, 50, 100, 150, 200, 300, 500}

func main() {
	to := flag.String("to", "", "`directory` of results")
	from := flag.String("world", "bench/search/tabular/testdata/world.tsv.gz", "`file` of the world")
	runs := flag.Int("runs", 200, "searches of each controller, half of which see the scores of each seed")
	flag.Parse()
	if err := run(*to, *from, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "regret:", err)
		os.Exit(1)
	}
}

// searched is a search that was made.
type searched struct {
	Controller string    `json:"controller"`
	Run        int       `json:"run"`
	Regret     []float64 `json:"regret"` // after each of evaluations, by the scores of the other seed
	Seen       []float64 `json:"seen"`   // by the scores that the controller saw
}

func run(to, from string, runs int) error {
	if to == "" {
		return errors.New("-to DIRECTORY is missing")
	}
	world, err := tabular.Open(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	path := filepath.Join(to, "runs.jsonl")
	list, err := read(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, name := range slices.Backward(search.Controllers()) { // those that take the least time first
		for i := range runs {
			if slices.ContainsFunc(list, func(s searched) bool { return s.Controller == name && s.Run == i }) {
				continue
			}
			s, err := look(world, name, i)
			if err != nil {
				return err
			}
			line, err := json.Marshal(s)
			if err != nil {
				return err
			}
			if _, err := f.Write(append(line, '\n')); err != nil {
				return err
			}
			list = append(list, *s)
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	r := summary(world, list, runs)
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "regret.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Print(r.markdown())
	return os.WriteFile(filepath.Join(to, "regret.md"), []byte(r.markdown()), 0o644)
}

// read gives the searches that were made, and cuts off a line that was not finished.
func read(path string) ([]searched, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	var list []searched
	for line := range bytes.Lines(data) {
		var s searched
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(list)+1, err)
		}
		list = append(list, s)
	}
	return list, f.Truncate(int64(len(data)))
}

// look lets a controller search once. An even run sees the scores of the first seed, and the best that it has seen is judged by those of the second; an odd one
// the other way.
func look(w *tabular.World, name string, run int) (*searched, error) {
	space := tabular.Space()
	c, err := search.NewController(name, space, uint64(run))
	if err != nil {
		return nil, err
	}
	seen, other := run%2, 1-run%2
	bestSeen, bestOther := w.Best(seen), w.Best(other)
	s := &searched{Controller: name, Run: run}
	chosen := -1
	for n := 1; n <= evaluations[len(evaluations)-1]; n++ {
		choices := c.Propose(rand.New(rand.NewPCG(uint64(run), uint64(n))))
		if choices == nil {
			return nil, fmt.Errorf("%s proposes nothing after %d candidates", name, n-1)
		}
		table, err := space.Table(choices)
		if err != nil {
			return nil, err
		}
		network := w.Network(table)
		score := w.Scores[network][seen]
		c.Learn(choices, score)
		if chosen < 0 || score > w.Scores[chosen][seen] {
			chosen = network
		}
		if slices.Contains(evaluations, n) {
			s.Seen = append(s.Seen, w.Scores[bestSeen][seen]-w.Scores[chosen][seen])
			s.Regret = append(s.Regret, w.Scores[bestOther][other]-w.Scores[chosen][other])
		}
	}
	return s, nil
}
