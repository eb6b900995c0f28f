// Package trials keeps the architectures that a search has tried in a folder that grows, and that several processes may share, also over a network.
//
// In the folder work there are four small files of each trial, which appear whole and never change:
//
//	000007.proposal   the architecture
//	000007.claim-1    which process measures it; claim-2 and so on if that died
//	000007.result     the architecture with its score
//	000007.time       how long that took
//
// A file is written under a name of the process's own and then linked to its own name, which fails if there is one: so one of several processes makes it, on
// local disks and on NFS. Trial n is proposed after all trials before it, whose architectures it must not repeat; nobody needs a lock for that. What people
// read, architectures.jsonl and times.jsonl, is made of these files and replaced as a whole.
//
// A process has a file in work/processes that it locks and writes every 15 seconds. It is dead when that file is gone; when nobody holds its lock and it ran
// on this host; or when it was not written for three minutes by the clock of the disk, where it ran on another host or there are no locks. What a dead process
// had claimed is claimed by the next one. Should it live after all, two processes measure the same, with the same score.
package trials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/search/proxy"
)

// Files of a folder.
const (
	HeaderFile = "search.json"
	LinesFile  = "architectures.jsonl"
	TimesFile  = "times.jsonl"
	workFolder = "work"
)

// A Trial is an architecture that is tried.
type Trial struct {
	Index      int                `json:"trial"` // from 0
	Choices    []int              `json:"choices"`
	Table      *config.BlockTable `json:"table"`
	Parameters int64              `json:"parameters"`      // of the network at its full widths
	MACs       int64              `json:"multiply_adds"`   // of it
	Seed       uint64             `json:"seed"`            // of the search
	Score      *proxy.Score       `json:"proxy,omitempty"` // nil: not measured yet
}

// A Took is how long a trial took.
type Took struct {
	Index   int     `json:"trial"`
	Seconds float64 `json:"seconds"`
	Host    string  `json:"host"`
}

// A Folder is open for a process that tries architectures. It belongs to one goroutine.
type Folder struct {
	path   string
	own    *process
	trials []Trial
	files  int // temporary files so far
}

// ErrTaken says that another process was faster.
var ErrTaken = errors.New("trials: another process was faster")

// Create makes a folder with a header, or fails with fs.ErrExist if there is one.
func Create(path string, header []byte) (*Folder, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, HeaderFile)); err == nil {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	mine, err := f.exclusively(filepath.Join(path, HeaderFile), header)
	if err == nil && !mine {
		err = fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Open opens a folder to go on with it.
func Open(path string) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(path, HeaderFile)); err != nil {
		return nil, err
	}
	return open(path)
}

func open(path string) (*Folder, error) {
	for _, sub := range []string{processFolder, temporaryFolder} {
		if err := os.MkdirAll(filepath.Join(path, workFolder, sub), 0o777); err != nil {
			return nil, err
		}
	}
	own, err := begin(filepath.Join(path, workFolder))
	if err != nil {
		return nil, err
	}
	f := &Folder{path: path, own: own}
	err = own.bury()
	if err == nil {
		err = f.restore()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// restore makes the files of trials that stand in the lines alone, as in a folder that was copied without its work.
func (f *Folder) restore() error {
	list, err := readLines(f.path)
	if err != nil {
		return err
	}
	took := map[int]float64{}
	data, err := os.ReadFile(filepath.Join(f.path, TimesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range bytes.Lines(data) {
		var t Took
		if json.Unmarshal(line, &t) == nil { // times decide nothing
			took[t.Index] = t.Seconds
		}
	}
	for _, t := range list {
		if _, err := os.Lstat(f.name(t.Index, "result")); err == nil {
			continue
		}
		if err := f.Finish(t, took[t.Index]); err != nil {
			return err
		}
	}
	return nil
}

// Close gives up what the process has claimed.
func (f *Folder) Close() error { return f.own.end() }

// Trials are all that were proposed so far, those that are measured with their scores.
func (f *Folder) Trials() ([]Trial, error) {
	for i := range f.trials {
		if f.trials[i].Score == nil {
			if err := readTrial(f.name(i, "result"), &f.trials[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	for {
		var t Trial
		i := len(f.trials)
		err := readTrial(f.name(i, "result"), &t)
		if errors.Is(err, fs.ErrNotExist) {
			err = readTrial(f.name(i, "proposal"), &t)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return slices.Clone(f.trials), nil
		}
		if err != nil {
			return nil, err
		}
		f.trials = append(f.trials, t)
	}
}

// Propose adds a trial behind those that Trials returned last. It fails with ErrTaken if another process has added one there.
func (f *Folder) Propose(t Trial) error {
	if t.Index != len(f.trials) {
		panic("trials: a trial out of order")
	}
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	mine, err := f.exclusively(f.name(t.Index, "proposal"), append(line, '\n'))
	if err == nil && !mine {
		err = ErrTaken
	}
	return err
}

// Claim makes a trial the process's own to measure; false if a process that lives has claimed it, or it is measured by now.
func (f *Folder) Claim(index int) (bool, error) {
	for n := 1; ; n++ {
		name := f.name(index, fmt.Sprintf("claim-%d", n))
		mine, err := f.exclusively(name, []byte(f.own.id+"\n"))
		if err != nil {
			return false, err
		}
		if mine {
			_, err := os.Stat(f.name(index, "result"))
			return err != nil, nil
		}
		owner, err := os.ReadFile(name)
		if err != nil {
			return false, err
		}
		switch dead, err := f.own.dead(strings.TrimSpace(string(owner))); {
		case err != nil:
			return false, err
		case !dead:
			// Unless somebody has claimed it since; then that one is asked.
			if _, err := os.Stat(f.name(index, fmt.Sprintf("claim-%d", n+1))); err != nil {
				return false, nil
			}
		}
	}
}

// Finish writes the score of a trial, and how long it took.
func (f *Folder) Finish(t Trial, seconds float64) error {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	took, err := json.Marshal(Took{t.Index, seconds, f.own.host})
	if err != nil {
		return err
	}
	if _, err := f.exclusively(f.name(t.Index, "time"), append(took, '\n')); err != nil {
		return err
	}
	_, err = f.exclusively(f.name(t.Index, "result"), append(line, '\n'))
	return err
}

// Merge writes the files of lines, of all trials that are measured, in their order, and returns these. Whoever measures last has the last word: the lines are
// written again until nothing has come in between.
func (f *Folder) Merge() ([]Trial, error) {
	for written := -1; ; {
		trials, err := f.Trials()
		if err != nil {
			return nil, err
		}
		trials = slices.DeleteFunc(trials, func(t Trial) bool { return t.Score == nil })
		if len(trials) == written {
			return trials, nil
		}
		var lines, times bytes.Buffer
		for _, t := range trials {
			line, err := json.Marshal(t)
			if err != nil {
				return nil, err
			}
			lines.Write(append(line, '\n'))
			took, err := os.ReadFile(f.name(t.Index, "time"))
			if err != nil {
				return nil, err
			}
			times.Write(took)
		}
		if err := f.Replace(LinesFile, lines.Bytes()); err != nil {
			return nil, err
		}
		if err := f.Replace(TimesFile, times.Bytes()); err != nil {
			return nil, err
		}
		written = len(trials)
	}
}

// Read reads the header and the lines of a folder, which may grow meanwhile.
func Read(path string) (header []byte, list []Trial, err error) {
	if header, err = os.ReadFile(filepath.Join(path, HeaderFile)); err != nil {
		return nil, nil, err
	}
	list, err = readLines(path)
	return header, list, err
}

func readLines(path string) (list []Trial, err error) {
	name := filepath.Join(path, LinesFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for n := 1; len(data) > 0; n++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		var t Trial
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		if t.Table == nil || t.Score == nil {
			return nil, fmt.Errorf("%s: line %d: no table or no score", name, n)
		}
		list, data = append(list, t), rest
	}
	return list, nil
}

func (f *Folder) name(index int, what string) string {
	return filepath.Join(f.path, workFolder, fmt.Sprintf("%06d.%s", index, what))
}

func readTrial(name string, t *Trial) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if t.Table == nil {
		return fmt.Errorf("%s: no block table", name)
	}
	return nil
}
