package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/internal/command/zoo"
)

type pullFlags struct{ url, cache, sha256 string }

func newPull(t *talk) *cobra.Command {
	var f pullFlags
	cmd := &cobra.Command{
		Use:   "pull [NAME]",
		Short: "Fetch published weights",
		Long: `Fetch published weights into a cache folder, and print the path of the file.
Without a name, list the weights that have a public link.

A download that was interrupted goes on where it ended. The file gets its name
when it is complete and its size and SHA-256 are what is published of them.`,
		Example: `  spinemask pull
  spinemask pull spinenet-49
  spinemask pull mine --url https://example.com/mine.pth --sha256 9f86d08…`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if len(args) == 0 {
				return listModels(cmd.OutOrStdout(), f.cache)
			}
			return f.pull(cmd.Context(), t, cmd.OutOrStdout(), args[0])
		},
	}
	cmd.Flags().StringVar(&f.url, "url", "", "fetch from this `link` instead of the published one")
	cmd.Flags().StringVar(&f.cache, "cache", "", "`folder` for the files (default: spinemask in the user's cache folder)")
	cmd.Flags().StringVar(&f.sha256, "sha256", "", "the `hash` that the file must have, 64 hexadecimal digits")
	return cmd
}

func (f *pullFlags) check() error {
	if b, err := hex.DecodeString(f.sha256); err != nil || len(b) != 0 && len(b) != 32 {
		return fmt.Errorf("--sha256 %q: want 64 hexadecimal digits", f.sha256)
	}
	if f.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return hinted{err, "--cache names the folder for the files"}
		}
		f.cache = filepath.Join(dir, "spinemask")
	}
	return nil
}

func listModels(w io.Writer, cache string) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "name\tmodel\tinput\tas published\tlicence\tsource")
	for _, m := range zoo.Models() {
		source := m.URL
		if path := filepath.Join(cache, m.File); isFile(path) {
			source = path
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Title, m.Input, m.Accuracy(), m.Licence, source)
	}
	return tab.Flush()
}

// model is what to fetch under a name: a row of the table, or any file with --url.
func (f *pullFlags) model(name string) (zoo.Model, error) {
	m, known := zoo.Find(name)
	switch {
	case !known && f.url == "":
		return m, hinted{fmt.Errorf("unknown weights %q", name), "spinemask pull lists what has a public link; --url takes any other"}
	case !known:
		if !filepath.IsLocal(name) || filepath.Base(name) != name || strings.HasPrefix(name, ".") {
			return m, fmt.Errorf("name %q: want that of a file, without a folder", name)
		}
		m = zoo.Model{Name: name, File: name}
	}
	if f.url != "" {
		m.URL = f.url
	}
	if f.sha256 != "" {
		m.SHA256 = f.sha256
	}
	return m, nil
}

func (f *pullFlags) pull(ctx context.Context, t *talk, w io.Writer, name string) error {
	m, err := f.model(name)
	if err != nil {
		return err
	}
	d := zoo.Download{URL: m.URL, Path: filepath.Join(f.cache, m.File), SHA256: m.SHA256, MD5: m.MD5, MiB: m.MiB, Cut: m.Cut}
	sum := ""
	if isFile(d.Path) {
		if from, err := os.ReadFile(d.Path + linkSuffix); err == nil && string(from) != linkID(m.URL) && m.SHA256 == "" && m.MD5 == "" {
			return hinted{fmt.Errorf("%s is there already, from another link, and no hash says whether it is the same file", d.Path), "remove it to fetch this one, or give that another name"}
		}
		if sum, err = d.Check(d.Path); err == nil {
			t.say("there already; remove it to fetch it again")
		} else {
			t.say("%v; fetching it", err)
		}
	}
	if sum == "" {
		t.announce(m)
		if sum, err = fetch(ctx, t, d); err != nil {
			return err
		}
		if err := os.WriteFile(d.Path+linkSuffix, []byte(linkID(m.URL)), 0o666); err != nil {
			return err
		}
	}
	t.say("sha256 %s%s", sum, unchecked(m))
	flags := ""
	if m.Flags != "" {
		flags = " " + m.Flags
	}
	licence := ""
	if m.Licence != "" {
		licence = " --licence " + m.Licence
	}
	t.say("next: spinemask convert %q -o %s.safetensors%s%s", d.Path, m.Name, flags, licence)
	use := "segment photos -o out"
	if m.Top1 > 0 {
		use = "classify photos"
	}
	t.say("or at once: spinemask %s --model %q%s", use, d.Path, flags)
	_, err = fmt.Fprintln(w, d.Path)
	return err
}

// linkSuffix ends the name of the file beside one that was fetched; in it stands the linkID of its link.
const linkSuffix = ".link"

// linkID tells a link from others, but for what stands behind the path: signed links change there with the time.
func linkID(link string) string {
	link, _, _ = strings.Cut(link, "#")
	link, _, _ = strings.Cut(link, "?")
	sum := sha256.Sum256([]byte(link)) // the path may hold a key, too
	return hex.EncodeToString(sum[:])
}

// announce says what is known of a file before it is fetched.
func (t *talk) announce(m zoo.Model) {
	size, hash, licence := "not published", "none is published; --sha256 checks one that you trust", m.Licence
	if m.MiB > 0 {
		size = fmt.Sprintf("%.3f MiB", m.MiB)
	}
	switch {
	case len(m.SHA256) == 64:
		hash = "sha256 " + m.SHA256
	case m.SHA256 != "":
		hash = "sha256 that begins with " + m.SHA256
	case m.MD5 != "":
		hash = "md5 that begins with " + m.MD5
	}
	switch {
	case licence == "":
		licence = "not known"
	case m.LicenceOfWeights:
	default:
		licence += ", of the code; nothing is said of weights alone"
	}
	t.say("size     %s", size)
	t.say("hash     %s", hash)
	t.say("licence  %s", licence)
}

// unchecked says if nothing is known that a file could be compared with.
func unchecked(m zoo.Model) string {
	switch {
	case m.SHA256 == "" && m.MD5 != "":
		return " (its md5 is the published one)"
	case m.SHA256 == "":
		return " (no hash is published; --sha256 checks one that you trust)"
	}
	return ""
}

func fetch(ctx context.Context, t *talk, d zoo.Download) (sum string, err error) {
	t.say("fetching %s", d.URL)
	const mb = 1_000_000
	shown, said := int64(0), false
	d.Progress = func(done, total int64) {
		if done == 0 {
			t.bar.Clear()
			t.bar = nil
			if shown = 0; total > 0 {
				if d.MiB == 0 && !said {
					said = true
					t.say("the server says %.3f MiB", float64(total)/(1<<20))
				}
				t.showProgress("MB", int(total/mb))
			}
		}
		t.bar.Add(int(done/mb - shown))
		shown = done / mb
	}
	d.Retry = func(err error, after time.Duration) { t.say("%v; trying again in %v", err, after) }
	sum, err = d.Fetch(ctx)
	t.bar.Clear()
	t.bar = nil
	switch {
	case err == nil:
		return sum, nil
	case ctx.Err() != nil:
		t.say("interrupted: the same command goes on from here")
		return "", exit(exitInterrupted)
	case errors.Is(err, zoo.ErrBusy):
		return "", hinted{err, "wait for the other pull, or name another folder with --cache"}
	case errors.Is(err, zoo.ErrWrongFile):
		return "", hinted{err, "nothing was replaced; --url takes another link, --sha256 another hash"}
	}
	return "", hinted{err, fmt.Sprintf("without a network: get it elsewhere and save it as %s, or give convert and --model the file; --url takes another link", d.Path)}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
