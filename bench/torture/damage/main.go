//go:build linux

// Command damage gives spinemask files that are cut, have flipped bits, or declare pictures of more than 10⁹ pixels, and wants of it: no crash, for each image
// exactly one line of results or one error, for each model a success or one error, and for bombs no memory.
//
//	go build -o /tmp/spinemask ./cmd/spinemask
//	go run ./bench/torture/damage -spinemask /tmp/spinemask -images 4500 -models 500
//
// Files are made from the committed ones, and models of other programs anew; the same seed makes the same files.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	log := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	command := flag.String("spinemask", "spinemask", "the command")
	images := flag.Int("images", 4500, "damaged images")
	models := flag.Int("models", 500, "damaged models")
	seed := flag.Uint64("seed", 1, "of the damage")
	flag.Parse()
	dir, err := os.MkdirTemp("", "spinemask-damage-")
	if err == nil {
		defer os.RemoveAll(dir)
		t := torture{command: *command, dir: dir, random: rand.New(rand.NewPCG(*seed, 0)), log: log}
		for _, step := range []func() error{t.bombs, func() error { return t.images(*images) }, func() error { return t.models(*models) }} {
			if err == nil {
				err = step()
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "damage:", err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

type torture struct {
	command, dir string
	random       *rand.Rand
	log          func(format string, args ...any)
}

// A run is what became of the command.
type run struct {
	code           int
	stdout, stderr []byte
	peak           int64 // most memory, bytes
}

func (t *torture) run(args ...string) (run, error) {
	cmd := exec.Command(t.command, args...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return run{}, err
	}
	r := run{code: cmd.ProcessState.ExitCode(), stdout: out.Bytes(), stderr: errors.Bytes(), peak: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10}
	if bytes.Contains(r.stderr, []byte("goroutine ")) || r.code < 0 {
		return r, fmt.Errorf("%v crashed: %s", args, r.stderr)
	}
	return r, nil
}

// bombs wants that files which declare huge pictures are refused before anything is allocated for them.
func (t *torture) bombs() error {
	folder := filepath.Join(t.dir, "bombs")
	n, err := writeBombs(folder)
	if err != nil {
		return err
	}
	empty := filepath.Join(t.dir, "empty.png")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		return err
	}
	idle, err := t.run("segment", empty, "-o", filepath.Join(t.dir, "idle"), "-q")
	if err != nil {
		return err
	}
	r, err := t.run("segment", folder, "-o", filepath.Join(t.dir, "bombs-out"), "-q")
	if err != nil {
		return err
	}
	refused := bytes.Count(r.stderr, []byte(": over the limit of "))
	t.log("%d bombs: exit code %d, %d refused, most memory %d MB, idle %d MB", n, r.code, refused, r.peak>>20, idle.peak>>20)
	if r.code != 2 || refused != n || r.peak > idle.peak+64<<20 {
		return fmt.Errorf("want exit code 2, all refused, and at most 64 MB more than idle\n%s", r.stderr)
	}
	return nil
}

// images wants a line for each damaged image.
func (t *torture) images(n int) error {
	samples, err := files("internal/core/imageio/testdata/formats/*", "internal/core/imageio/testdata/jpeg/*.jpg")
	if err != nil {
		return err
	}
	folder := filepath.Join(t.dir, "images")
	if err := os.Mkdir(folder, 0o777); err != nil {
		return err
	}
	for i := range n {
		data := t.damaged(samples[t.random.IntN(len(samples))], 1<<30)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d.png", i)), data, 0o666); err != nil {
			return err
		}
	}
	// A score of 1 leaves the masks away: what is found in noise is of no interest.
	r, err := t.run("segment", folder, "-o", filepath.Join(t.dir, "images-out"), "--save", "coco,jsonl", "--jsonl", "-", "--score", "1", "-q")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	results, failures := 0, 0
	lines := bufio.NewScanner(bytes.NewReader(r.stdout))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			FileName  string `json:"file_name"`
			Error     string
			Instances []json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		switch {
		case seen[line.FileName] || (line.Error != "") == (line.Instances != nil):
			return fmt.Errorf("not one result or one failure: %s", lines.Text())
		case line.Error != "":
			failures++
		default:
			results++
		}
		seen[line.FileName] = true
	}
	t.log("%d damaged images: exit code %d, %d with results, %d failures, most memory %d MB", n, r.code, results, failures, r.peak>>20)
	if said := bytes.Count(r.stderr, []byte("spinemask: error: ")); len(seen) != n || said != failures || r.code != 2 {
		return fmt.Errorf("want one line for each, an error for each failure (%d), exit code 2", said)
	}
	return nil
}

// models wants that a damaged model is refused with one error that names a file of it, with little memory, unless the damage is within its numbers.
func (t *torture) models(n int) error {
	committed, err := files("models/nuclei/*.safetensors", "testdata/mmdet_tiny/tiny.pth", "testdata/tf1_tiny/*.tar.gz", "weights/internal/pytorch/testdata/*.pth")
	if err != nil {
		return err
	}
	made, err := kinds(t.dir)
	if err != nil {
		return err
	}
	samples := append(committed, made...)
	opened, refused, most := 0, 0, int64(0)
	for i := range n {
		s := samples[i%len(samples)]
		folder := filepath.Join(t.dir, fmt.Sprint("model", i))
		given := s.given
		if given == "" {
			given = "model" + s.extension
			s.damaged = given
		}
		if err := os.Mkdir(folder, 0o777); err != nil {
			return err
		}
		for name, data := range s.beside {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o666); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(folder, s.damaged), t.damaged(s, 1<<16), 0o666); err != nil {
			return err
		}
		r, err := t.run("info", "--config", "-m", filepath.Join(folder, given))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		os.RemoveAll(folder)
		most = max(most, r.peak)
		switch said := bytes.Count(r.stderr, []byte("spinemask: error: ")); {
		case r.code == 0 && said == 0:
			opened++
		case r.code == 1 && said == 1 && (bytes.Contains(r.stderr, []byte(given)) || bytes.Contains(r.stderr, []byte(s.damaged))):
			refused++
		default:
			return fmt.Errorf("%s: exit code %d\n%s", s.name, r.code, r.stderr)
		}
	}
	t.log("%d damaged models of %d kinds: %d refused with one error, %d opened, most memory %d MB", n, len(samples), refused, opened, most>>20)
	if most > 200<<20 {
		return fmt.Errorf("want at most 200 MB")
	}
	return nil
}

// A sample is a good file.
type sample struct {
	name, extension string
	data            []byte

	// Of a model in several files: the one that is damaged, the others, and which one is given.
	damaged, given string
	beside         map[string][]byte
}

func files(patterns ...string) (list []sample, err error) {
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("%s: no such file; run it in the root of the repository", p)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			_, extension, _ := strings.Cut(filepath.Base(name), ".")
			list = append(list, sample{name: name, extension: "." + extension, data: data})
		}
	}
	return list, nil
}

// damaged cuts a file or flips some bits, in its first bytes mostly, where the structure is.
func (t *torture) damaged(s sample, head int) []byte {
	data := bytes.Clone(s.data)
	if t.random.IntN(3) == 0 {
		return data[:t.random.IntN(len(data))]
	}
	reach := min(len(data), head)
	if t.random.IntN(2) == 0 {
		reach = min(reach, 1000)
	}
	for range 1 + t.random.IntN(8) {
		data[t.random.IntN(reach)] ^= 1 << t.random.IntN(8)
	}
	return data
}
