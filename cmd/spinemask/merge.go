package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
)

func newMerge(t *talk) *cobra.Command {
	var out string
	var save []string
	cmd := &cobra.Command{
		Use:     "merge RUN… -o FOLDER",
		Aliases: []string{"export"},
		Short:   "Join finished runs to one, or write a run in more formats",
		Long: `Join runs to one, or write one in more formats, without running the network
again. A RUN is an output folder of segment. The runs must have been made with the
same model and the same options. An image of several runs is taken from the last
one that has results of it.

Formats that need the pixels of the images cannot be made: overlay, cutouts and
crops; a report has pictures if the runs had one.`,
		Example: `  spinemask merge monday tuesday -o week --save coco,report
  spinemask merge out -o out --save csv,labelme`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return hinted{errors.New("no output folder"), "add -o out"}
			}
			list, err := findFormats(save)
			if err != nil {
				return err
			}
			for _, f := range list {
				if f.photo {
					return hinted{fmt.Errorf("--save %s needs the images", f.name), "spinemask segment makes it"}
				}
			}
			return merge(t, args, out, list)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "output `folder`; the folder of a single run may stay its own")
	cmd.Flags().StringSliceVar(&save, "save", []string{"coco"}, "`formats` to write: "+formatNames())
	return cmd
}

// merged is an image and the run that its result is taken from.
type merged struct {
	journal.Entry
	from   *journal.Journal
	source journal.Source
	found  bool
}

func merge(t *talk, folders []string, out string, list []format) error {
	o := &output{folder: out, formats: list}
	var runs []*journal.Journal
	for _, folder := range folders {
		if absolute(folder) == absolute(out) {
			if len(folders) > 1 {
				return hinted{fmt.Errorf("%s is one of the runs", out), "choose another output folder with -o"}
			}
			j, err := openRun(folder, journal.Open)
			if err != nil {
				return err
			}
			defer j.Close()
			o.journal = j
			return o.rewrite(t)
		}
		j, err := openRun(folder, journal.Read)
		if err != nil {
			return err
		}
		defer j.Close()
		if len(runs) > 0 {
			h := j.Header()
			h.Save = runs[0].Header().Save
			if d := difference(runs[0].Header(), h); d != "" {
				return fmt.Errorf("%s and %s were made differently: %s", folders[0], folder, d)
			}
		}
		runs = append(runs, j)
	}
	images, err := mergePlans(runs)
	if err != nil {
		return err
	}
	plan := make([]journal.Entry, len(images))
	from := map[string]*journal.Journal{}
	for i, m := range images {
		plan[i], from[m.FileName] = m.Entry, m.from
	}
	h := runs[0].Header()
	h.Save = namesIn(list)
	if o.journal, err = journal.Create(o.path(journalFile), h, plan); err != nil {
		return err
	}
	defer o.journal.Close()
	for _, j := range runs {
		err := j.Each(func(e journal.Entry, r journal.Record) error {
			to, _ := o.journal.Entry(e.FileName)
			if from[e.FileName] != j {
				return nil // another run's result counts
			}
			if r.Picture == nil {
				return o.journal.Fail(to.ID, r.Error)
			}
			r.Picture.ID = to.ID
			return o.journal.Add(r.Picture, r.Source)
		})
		if err != nil {
			return err
		}
	}
	return o.rewrite(t)
}

// openRun opens the journal of a run's folder.
func openRun(folder string, open func(string) (*journal.Journal, error)) (*journal.Journal, error) {
	j, err := open(filepath.Join(folder, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("%s holds no run", folder), "a run is an output folder of spinemask segment"}
	}
	return j, err
}

// mergePlans lists the images of all runs in their order. Ids stay what they are if they are distinct.
func mergePlans(runs []*journal.Journal) ([]*merged, error) {
	byName := map[string]*merged{}
	var list []*merged
	for _, j := range runs {
		err := j.Each(func(e journal.Entry, r journal.Record) error {
			m, ok := byName[e.FileName]
			if !ok {
				m = &merged{Entry: e}
				byName[e.FileName] = m
				list = append(list, m)
			}
			found := r.Picture != nil
			if found && m.found && !sameContent(r.Source, m.source) {
				return fmt.Errorf("two different images are named %s (%s and %s)", e.FileName, m.Path, e.Path)
			}
			if found || !m.found {
				m.from, m.found, m.source, m.Path = j, found, r.Source, e.Path
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	ids := map[int64]bool{}
	names := make([]string, len(list))
	for i, m := range list {
		ids[m.ID] = true
		names[i] = m.FileName
	}
	if len(ids) < len(list) {
		for i, id := range export.IDs(names) {
			list[i].ID = id
		}
	}
	return list, nil
}

// sameContent says whether two runs have read the same, as far as they know.
func sameContent(a, b journal.Source) bool {
	return a.Bytes == b.Bytes && (a.SHA256 == b.SHA256 || a.SHA256 == "" || b.SHA256 == "")
}

// rewrite makes the files of a whole run from its journal.
func (o *output) rewrite(t *talk) error {
	var names []string
	for _, e := range o.journal.Plan() {
		names = append(names, e.FileName)
	}
	o.stems = stems(names)
	err := o.journal.Each(func(e journal.Entry, r journal.Record) error {
		for _, f := range o.formats {
			if f.folder == "" || r.Picture == nil {
				continue
			}
			if err := o.write(f, r.Picture, e.Path); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	run, instances, err := o.finish()
	if err != nil {
		return err
	}
	t.say("%d images, %d instances, %d failures", len(run.Images), instances, len(run.Failures))
	t.say("wrote %s", strings.Join(o.wrote(len(run.Images)), ", "))
	return nil
}
