// Command longer trains networks of a search, and SpineNet-49's, by the proxy's task with more steps and other seeds. So it says what the order of a search's
// scores is worth:
//
//	go run ./bench/search/longer -search found -networks spinenet49 -steps 500 -seeds 1,2,3,4,5 -to longer.jsonl
//	go run ./bench/search/longer -search found -networks spread -steps 1000 -seeds 1 -to longer.jsonl
//	go run ./bench/search/longer -search found -networks best,spinenet49 -steps 1000 -seeds 1,2,3 -to longer.jsonl
//	go run ./bench/search/longer -search found -report longer.jsonl
//
// The file gets a line for each training, as it ends; a line that is there is not made again. Several processes may write to one file if they have different
// trainings to do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/command/searchreport"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/search/proxy"
)

func main() {
	folder := flag.String("search", "", "`folder` of a search")
	networks := flag.String("networks", "", "comma-separated: numbers of architectures, as the report has them; spinenet49; best: the two best that score differently; spread: eight at even ranks, from the best to the last")
	steps := flag.Int("steps", 0, "updates of a training")
	seeds := flag.String("seeds", "1", "comma-separated")
	threads := flag.Int("threads", 1, "CPU threads")
	to := flag.String("to", "", "`file` that gets the lines")
	report := flag.String("report", "", "`file` of lines: print the tables of docs/search.md instead")
	flag.Parse()
	err := errors.New("-search FOLDER, and -report FILE or -networks, -steps and -to FILE: missing")
	switch {
	case *folder != "" && *report != "":
		err = printTables(os.Stdout, *folder, *report)
	case *folder != "" && *networks != "" && *steps > 0 && *to != "":
		err = run(*folder, *networks, *seeds, *to, *steps, *threads)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "longer:", err)
		os.Exit(1)
	}
}

// own is the name of SpineNet-49's own wiring.
const own = "spinenet49"

// A line is a training.
type line struct {
	Network string `json:"network"` // number of the architecture, or own
	Steps   int    `json:"steps"`
	Seed    uint64 `json:"seed"`
	proxy.Score
	Seconds float64 `json:"seconds"` // of the wall clock
}

// header is what matters here of a folder's search.json.
type header struct {
	Data   string `json:"data"`
	Images string `json:"images"`
	Steps  int    `json:"steps"`
	Batch  int    `json:"batch"`
	Size   int    `json:"size"`
	Seed   uint64 `json:"seed"`
	MACs   int64  `json:"spinenet49_multiply_adds"`
}

func run(folder, networks, seeds, to string, steps, threads int) error {
	h, list, err := read(folder)
	if err != nil {
		return err
	}
	names, err := choose(networks, list)
	if err != nil {
		return err
	}
	done, err := readLines(to)
	if err != nil {
		return err
	}
	set, err := dataset.Open(h.Data, dataset.Options{Images: h.Images})
	if err != nil {
		return err
	}
	task, err := proxy.New(set, proxy.Options{Steps: steps, Batch: h.Batch, Size: h.Size, Seed: h.Seed}) // the search's seed holds out the same images
	if err != nil {
		return err
	}
	for _, word := range strings.Split(seeds, ",") {
		if task.Seed, err = strconv.ParseUint(word, 10, 64); err != nil {
			return err
		}
		for _, name := range names {
			if slices.ContainsFunc(done, func(l line) bool { return l.Network == name && l.Steps == steps && l.Seed == task.Seed }) {
				continue
			}
			table, err := tableOf(name, list)
			if err != nil {
				return err
			}
			began := time.Now()
			score, err := task.Score(context.Background(), table, threads)
			if err != nil {
				return err
			}
			l := line{name, steps, task.Seed, score, time.Since(began).Round(100 * time.Millisecond).Seconds()}
			if err := appendLine(to, l); err != nil {
				return err
			}
			done = append(done, l)
			fmt.Printf("%s, %d steps, seed %d: AP %.4f in %.0f s\n", name, steps, task.Seed, score.AP, l.Seconds)
		}
	}
	return nil
}

// choose resolves the flag -networks.
func choose(networks string, list []trials.Trial) (names []string, err error) {
	ranked := searchreport.Best(list)
	least := map[string]int{"best": 2, "spread": spread}
	for _, word := range strings.Split(networks, ",") {
		if n := least[word]; len(ranked) < n {
			return nil, fmt.Errorf("-networks %s: %d architectures have a score, want at least %d", word, len(ranked), n)
		}
		switch word {
		case "best":
			// Tables that differ in a block that feeds nothing are one network, with the same score to the last bit.
			next := slices.IndexFunc(ranked, func(t trials.Trial) bool { return *t.Score != *ranked[0].Score })
			if next < 0 {
				return nil, errors.New("all architectures have the same score")
			}
			names = append(names, nameOf(ranked[0]), nameOf(ranked[next]))
		case "spread":
			for i := range spread {
				names = append(names, nameOf(ranked[i*(len(ranked)-1)/(spread-1)]))
			}
		default:
			names = append(names, word)
		}
	}
	return names, nil
}

const spread = 8

// nameOf is the number of an architecture in the report.
func nameOf(t trials.Trial) string { return strconv.Itoa(t.Index + 1) }

func tableOf(name string, list []trials.Trial) (*config.BlockTable, error) {
	if name == own {
		c, err := config.ScalePermuted(own)
		if err != nil {
			return nil, err
		}
		return c.Backbone.Table(), nil
	}
	for _, t := range list {
		if nameOf(t) == name {
			return t.Table, nil
		}
	}
	return nil, fmt.Errorf("no network %q: want %q or the number of an architecture", name, own)
}

// read reads the folder of a search.
func read(folder string) (*header, []trials.Trial, error) {
	data, list, err := trials.Read(folder)
	if err != nil {
		return nil, nil, err
	}
	h := new(header)
	if err := json.Unmarshal(data, h); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", trials.HeaderFile, err)
	}
	return h, list, nil
}

// readLines reads a file of trainings, which need not be there.
func readLines(path string) ([]line, error) {
	list, err := readJSONLines[line](path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

func readJSONLines[T any](path string) (list []T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); d.More(); {
		var v T
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(list)+1, err)
		}
		list = append(list, v)
	}
	return list, nil
}

func appendLine(path string, l line) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Close())
}
