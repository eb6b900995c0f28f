package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/internal/command/searchreport"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/internal/core/page"
)

// Files that are made of the lines of a search.
const (
	searchReportFile = "report.html"
	searchHeldFile   = "held_out.txt"
	bestTables       = 5
)

// bestFile is the block table of a place among the best, from 0.
func bestFile(i int) string { return fmt.Sprintf("best/%d.json", i+1) }

// bestTrials are the first so many of the best.
func bestTrials(list []trials.Trial, n int) []trials.Trial {
	best := searchreport.Best(list)
	return best[:min(n, len(best))]
}

// writeBest writes the block tables of the best so far.
func writeBest(f *trials.Folder, list []trials.Trial) error {
	for i, t := range bestTrials(list, bestTables) {
		data, err := json.MarshalIndent(t.Table, "", "  ")
		if err == nil {
			err = f.Replace(bestFile(i), append(data, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeSearch writes everything that is made of the lines of a search.
func writeSearch(f *trials.Folder, folder string, h *searchHeader, list []trials.Trial) error {
	if err := writeBest(f, list); err != nil {
		return err
	}
	if err := f.Replace(searchHeldFile, []byte(strings.Join(h.Held, "\n")+"\n")); err != nil {
		return err
	}
	name := filepath.Base(folder)
	if abs, err := filepath.Abs(folder); err == nil {
		name = filepath.Base(abs)
	}
	r := searchreport.Report{Name: name, Trials: list, Made: []page.Fact{
		{Name: "data", Value: filepath.Base(h.Data)}, {Name: "SHA-256 of what is marked", Value: h.DataSHA256},
		{Name: "held out", Value: fmt.Sprintf("%d images, see %s", len(h.Held), searchHeldFile)},
		{Name: "controller", Value: h.Controller}, {Name: "space", Value: h.Space},
		{Name: "multiply-adds", Value: fmt.Sprintf("%g to %g of SpineNet-49's, which are %.1f G at %d×%d", h.Band[0], h.Band[1], float64(h.MACs)/1e9, fullSide, fullSide)},
		{Name: "proxy", Value: fmt.Sprintf("RetinaNet with a quarter of the widths, %d steps of %d images of %d×%d pixels", h.Steps, h.Batch, h.Size, h.Size)},
		{Name: "seed", Value: fmt.Sprint(h.Seed)}, {Name: "spinemask", Value: version()},
	}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return err
	}
	return f.Replace(searchReportFile, b.Bytes())
}

// reportSearch makes the page and the best tables of a folder anew.
func reportSearch(t *talk, folder string) error {
	data, _, err := trials.Read(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("%s holds no search", folder), "spinemask search DATA -o " + quoted(folder) + " begins one"}
	}
	if err != nil {
		return err
	}
	h, err := parseSearchHeader(data, folder)
	if err != nil {
		return err
	}
	f, err := trials.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := f.Merge()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%s: no architecture is measured yet", folder)
	}
	if err := writeSearch(f, folder, h, list); err != nil {
		return err
	}
	t.say("report   %s, of %d architectures", filepath.Join(folder, searchReportFile), len(list))
	return nil
}
