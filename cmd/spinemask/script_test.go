package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spinemask": main})
}

// The scripts in testdata/script use the command as people do. Beside testscript's own they have
//
//	exits CODE spinemask …        which wants that exit code
//	interrupts FILE spinemask …   which sends Ctrl-C as soon as the file, or one of a pattern, exists, and wants exit code 130
//	coco FOLDER IMAGES            which reads results.json and images.json of an output folder and wants that many images
//	cut FILE SIZE                 which truncates a file
//	tear FILE                     which cuts the last byte and half of the last line off
//	same FOLDER FOLDER            which wants the same files with the same bytes
//	tiny KIND FILE                which writes a model of that kind that knows three classes, with weights of no meaning
//
// and the condition [amx]: --fast has an effect on this machine.
func TestScripts(t *testing.T) { testscript.Run(t, scripts(t, "testdata/script")) }

// scripts are those of a folder.
func scripts(t *testing.T, dir string) testscript.Params {
	images, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := filepath.Abs("../../internal/core/imageio/testdata")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Abs("testdata/pictures")
	if err != nil {
		t.Fatal(err)
	}
	bin, err := exec.LookPath("spinemask")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Dir: dir,
		Condition: func(condition string) (bool, error) {
			if condition != "amx" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			set, err := kernels.Choose("") // scripts do not see SPINEMASK_CPU
			return err == nil && set.HasSplit(), err
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("IMAGES", filepath.Join(images, "images"))
			e.Setenv("CLIP", filepath.Join(images, "video/pan.mp4"))
			e.Setenv("BIN", filepath.Dir(bin)) // as PATH, there is nothing but the command
			e.Setenv("TRUTH", filepath.Join(images, "nuclei_val.json"))
			e.Setenv("FIXTURES", fixtures)
			e.Setenv("PICTURES", pictures)
			e.Setenv("MODELS", filepath.Join(images, "../models"))
			e.Setenv("PICKLES", filepath.Join(images, "../weights/internal/pytorch/testdata"))
			web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(e.WorkDir, "web"))))
			e.Defer(web.Close)
			e.Setenv("WEB", web.URL) // serves the script's folder of that name
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					ee := (*exec.ExitError)(nil)
					if !errors.As(err, &ee) {
						ts.Fatalf("%v", err)
					}
					got = ee.ExitCode()
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"interrupts": interrupts,
			"coco":       checkCOCO,
			"cut": func(ts *testscript.TestScript, _ bool, args []string) {
				size, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
			},
			"tear": func(ts *testscript.TestScript, _ bool, args []string) {
				text := ts.ReadFile(args[0])
				last := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")
				ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(last+len(text))/2))
			},
			"tiny": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(writeTiny(config.Model(args[0]), ts.MkAbs(args[1])))
			},
			"same": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(sameFolders(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
			},
		},
	}
}

// writeTiny writes a model of 128×128 pixels, of the least widths.
func writeTiny(kind config.Model, path string) error {
	family := map[config.Model]func(string) (*config.Config, error){config.ModelRetinaNet: config.TF2RetinaNet, config.ModelClassification: config.TF2Classification}[kind]
	c, err := family("49S")
	if err != nil {
		return err
	}
	c.Name = "tiny " + string(kind)
	c.Input.Height, c.Input.Width = 128, 128
	c.Backbone.FilterScale, c.Backbone.Endpoints = 0.1, 8
	names := []config.Category{{ID: 1, Name: "cat"}, {ID: 2, Name: "dog"}, {ID: 3, Name: "owl"}}
	c.Categories = names
	if kind == config.ModelRetinaNet {
		c.RetinaHead.Convs, c.RetinaHead.Filters = 1, 8
		c.Detections.DisplayThreshold = 0.05
	}
	n, err := network.Build(c)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	var tensors []weights.Tensor
	for _, t := range n.Tensors() {
		size := 1
		for _, d := range t.Shape {
			size *= d
		}
		values := make([]float32, size)
		for i := range values {
			if values[i] = random.Float32() - 0.5; t.Statistic {
				values[i] += 1
			}
		}
		tensors = append(tensors, weights.NewTensor(t.Name, t.Shape, values))
	}
	f, err := weights.FromTensors(path, tensors, nil)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	return weights.Convert(out, f, c, weights.Provenance{Source: "random numbers"})
}

// sameFolders says in what two folders differ.
func sameFolders(a, b string) error {
	files := func(folder string) (map[string]string, error) {
		out := map[string]string{}
		err := filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(p)
			rel, _ := filepath.Rel(folder, p)
			out[filepath.ToSlash(rel)] = string(data)
			return err
		})
		return out, err
	}
	x, err := files(a)
	if err != nil {
		return err
	}
	y, err := files(b)
	if err != nil {
		return err
	}
	for name, data := range x {
		if other, ok := y[name]; !ok || other != data {
			return fmt.Errorf("%s: of %d bytes in %s, %d in %s (present: %v)", name, len(data), a, len(other), b, ok)
		}
		delete(y, name)
	}
	for name := range y {
		return fmt.Errorf("%s: only in %s", name, b)
	}
	return nil
}

func interrupts(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	stderr, err := os.Create(ts.MkAbs("stderr.txt"))
	ts.Check(err)
	defer stderr.Close()
	cmd.Stderr = stderr
	ts.Check(cmd.Start())
	for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		if found, _ := filepath.Glob(ts.MkAbs(args[0])); len(found) > 0 {
			break
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	sent := time.Now()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		ts.Fatalf("exit code %d, want %d", code, exitInterrupted)
	}
	if took := time.Since(sent); took > 5*time.Second { // a second, but for crowded test machines
		ts.Fatalf("took %v to stop", took)
	}
}

func checkCOCO(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	type image struct {
		ID            int64
		FileName      string `json:"file_name"`
		Width, Height int
	}
	var run struct {
		Images     []image
		Failures   []struct{ Error string }
		Categories []struct{ ID int }
		Info       struct {
			MinScore      float32 `json:"min_score"`
			MaxDetections int     `json:"max_detections"`
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], "images.json"))), &run))
	if len(run.Images) != want {
		ts.Fatalf("%d images, want %d", len(run.Images), want)
	}
	byID := map[int64]image{}
	for _, im := range run.Images {
		if _, twice := byID[im.ID]; twice {
			ts.Fatalf("image id %d twice", im.ID)
		}
		byID[im.ID] = im
	}
	var results []struct {
		ImageID      int64  `json:"image_id"`
		FileName     string `json:"file_name"`
		CategoryID   int    `json:"category_id"`
		BBox         [4]float64
		Score        float32
		Segmentation struct {
			Size   [2]int
			Counts string
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], "results.json"))), &results))
	if len(results) == 0 {
		ts.Fatalf("no results")
	}
	perImage := map[int64]int{}
	for i, r := range results {
		im, ok := byID[r.ImageID]
		perImage[r.ImageID]++
		m, err := rle.Decode(r.Segmentation.Size[0], r.Segmentation.Size[1], []byte(r.Segmentation.Counts))
		switch {
		case !ok || im.FileName != r.FileName:
			ts.Fatalf("result %d: image %d %q", i, r.ImageID, r.FileName)
		case err != nil:
			ts.Fatalf("result %d: %v", i, err)
		case m.H != im.Height || m.W != im.Width:
			ts.Fatalf("result %d: mask of %dx%d, image of %dx%d", i, m.W, m.H, im.Width, im.Height)
		case r.Score < run.Info.MinScore || r.Score > 1:
			ts.Fatalf("result %d: score %g", i, r.Score)
		case r.CategoryID != run.Categories[0].ID:
			ts.Fatalf("result %d: category %d", i, r.CategoryID)
		case perImage[r.ImageID] > run.Info.MaxDetections:
			ts.Fatalf("image %d: more than %d detections", r.ImageID, run.Info.MaxDetections)
		}
	}
}
