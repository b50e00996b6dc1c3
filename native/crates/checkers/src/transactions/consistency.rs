//! Consistency models as data: which is stronger than which, and which anomalies each rules out.
//!
//! Sources: Adya, "Weak Consistency" (MIT 1999) for the PL levels; Bailis et al., "Highly Available Transactions" (VLDB 2013) for
//! monotonic atomic view; Cerone, Bernardi and Gotsman, "A Framework for Transactional Consistency Models with Atomic Visibility" (CONCUR
//! 2015) for read atomic to serializable; Liu et al., "ROLA" (FASE 2018) for update atomic; Daudjee and Salem (VLDB 2006) for the
//! strong-session forms; Biswas and Enea (OOPSLA 2019) for causal, which has sessions where Cerone's has none. The order of strength is the
//! one that Elle made of them, and where definitions imply more, more. A model rules out what it names and what every weaker model
//! names. Snapshot isolation is the generalized one, whose snapshots may be old; the strong forms add what clients saw of time.
//!
//! Models of single objects (linearizable, sequential, the session guarantees) have checkers of their own and are not in the lattice: no
//! anomaly of transactions decides them. No operation is about a predicate yet; the names of anomalies that would be are here already.

/// One model.
#[derive(Debug)]
struct Model {
    name: &'static str,
    aliases: &'static [&'static str],
    /// Directly weaker models.
    implies: &'static [&'static str],
    /// What it rules out beyond them.
    rules_out: &'static [&'static str],
}

const fn model(
    name: &'static str,
    aliases: &'static [&'static str],
    implies: &'static [&'static str],
    rules_out: &'static [&'static str],
) -> Model {
    Model { name, aliases, implies, rules_out }
}

/// Weaker models first. Of each cycle with anti-dependencies there are two forms: about single items (`-item`), and the general one, which
/// may also be about predicates; repeatable read is the model that tells them apart.
const MODELS: &[Model] = &[
    model("read-uncommitted", &["pl-1"], &[], &["G0", "duplicate-elements", "garbage-read", "cyclic-versions"]),
    model(
        "read-committed",
        &["pl-2"],
        &["read-uncommitted"],
        &["G1a", "G1b", "G1c", "dirty-update", "incompatible-order", "future-read"],
    ),
    model("monotonic-atomic-view", &["mav"], &["read-committed"], &["OTV"]),
    model("read-atomic", &["ra"], &["monotonic-atomic-view"], &["internal", "fractured-read"]),
    model("causal-cerone", &[], &["read-atomic"], &["causality-violation"]),
    model("prefix", &["prefix-consistency"], &["causal-cerone"], &[]),
    model("update-atomic", &["rola"], &["read-atomic"], &["lost-update"]),
    model("parallel-snapshot-isolation", &["psi"], &["causal-cerone", "update-atomic"], &["G-single-item", "G-single"]),
    model("monotonic-view", &["pl-2l"], &["monotonic-atomic-view"], &["G-monotonic"]),
    model("monotonic-snapshot-read", &["pl-msr"], &["read-committed"], &[]),
    model("cursor-stability", &["pl-cs"], &["read-committed"], &["lost-update", "G-cursor"]),
    model(
        "consistent-view",
        &["pl-2+"],
        &["causal-cerone", "cursor-stability", "monotonic-view"],
        &["G-single-item", "G-single"],
    ),
    model("forward-consistent-view", &["pl-fcv"], &["consistent-view"], &[]),
    model(
        "snapshot-isolation",
        &["si", "pl-si", "generalized-snapshot-isolation", "gsi"],
        &[
            "forward-consistent-view",
            "monotonic-atomic-view",
            "monotonic-snapshot-read",
            "parallel-snapshot-isolation",
            "prefix",
        ],
        &["G-nonadjacent-item", "G-nonadjacent"],
    ),
    model(
        "repeatable-read",
        &["pl-2.99"],
        &["causal-cerone", "cursor-stability"],
        &["G-single-item", "G-nonadjacent-item", "G2-item"],
    ),
    model("update-serializable", &["pl-3u"], &["forward-consistent-view"], &["G-update"]),
    // Some serial order of the transactions explains what they read. The order of versions is one that the reads show, or one that was
    // assumed, so every dependency holds in each such order, and a cycle leaves none.
    model(
        "view-serializable",
        &["1sr", "one-copy-serializable"],
        &["causal-cerone", "cursor-stability"],
        &["G-single-item", "G-single", "G-nonadjacent-item", "G-nonadjacent", "G2-item", "G2"],
    ),
    model(
        "serializable",
        &["pl-3", "conflict-serializable"],
        &["repeatable-read", "snapshot-isolation", "update-serializable", "view-serializable"],
        &["G2-item", "G2"],
    ),
    model("strong-session-read-uncommitted", &["strong-session-pl-1"], &["read-uncommitted"], &["G0-process"]),
    model(
        "strong-session-read-committed",
        &["strong-session-pl-2"],
        &["read-committed", "strong-session-read-uncommitted"],
        &["G1c-process"],
    ),
    model(
        "strong-session-monotonic-atomic-view",
        &["strong-session-mav"],
        &["monotonic-atomic-view", "strong-session-read-committed"],
        &["OTV-process"],
    ),
    model(
        "strong-session-read-atomic",
        &["strong-session-ra"],
        &["read-atomic", "strong-session-monotonic-atomic-view"],
        &["fractured-read-process"],
    ),
    model(
        "causal",
        &["causal-consistency", "strong-session-causal", "transactional-causal"],
        &["causal-cerone", "strong-session-read-atomic"],
        &["causality-violation-process"],
    ),
    model(
        "strong-session-snapshot-isolation",
        &["strong-session-si"],
        &["snapshot-isolation", "causal"],
        &["G-single-item-process", "G-single-process", "G-nonadjacent-item-process", "G-nonadjacent-process"],
    ),
    model(
        "strong-session-serializable",
        &["session-serializable", "strong-session-1sr"],
        &["serializable", "strong-session-snapshot-isolation"],
        &["G2-item-process", "G2-process"],
    ),
    model("strong-read-uncommitted", &["strong-pl-1"], &["strong-session-read-uncommitted"], &["G0-realtime"]),
    model(
        "strong-read-committed",
        &["strong-pl-2"],
        &["strong-session-read-committed", "strong-read-uncommitted"],
        &["G1c-realtime"],
    ),
    model(
        "strong-snapshot-isolation",
        &["strong-si"],
        &["strong-session-snapshot-isolation", "strong-read-committed"],
        &["G-single-item-realtime", "G-single-realtime", "G-nonadjacent-item-realtime", "G-nonadjacent-realtime"],
    ),
    model(
        "strict-serializable",
        &["strong-serializable", "pl-ss", "strong-1sr"],
        &["strong-session-serializable", "strong-snapshot-isolation"],
        &["G2-item-realtime", "G2-realtime"],
    ),
];

/// A model of the lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consistency(usize);

impl Consistency {
    /// Every model, weaker ones before stronger ones.
    pub fn all() -> impl Iterator<Item = Consistency> {
        (0..MODELS.len()).map(Consistency)
    }

    /// The model of this name or alias, in any case.
    pub fn parse(name: &str) -> Option<Consistency> {
        let name = name.to_ascii_lowercase();
        Consistency::all().find(|model| model.name() == name || MODELS[model.0].aliases.contains(&name.as_str()))
    }

    /// Its canonical name.
    pub fn name(self) -> &'static str {
        MODELS[self.0].name
    }

    /// Its other names.
    pub fn aliases(self) -> &'static [&'static str] {
        MODELS[self.0].aliases
    }

    /// Itself and every weaker model.
    fn and_weaker(self) -> Vec<Consistency> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() {
            for weaker in MODELS[found[next].0].implies.iter().filter_map(|name| Consistency::parse(name)) {
                if !found.contains(&weaker) {
                    found.push(weaker);
                }
            }
            next += 1;
        }
        found
    }

    /// Whether everything that satisfies this model satisfies `other`.
    pub fn implies(self, other: Consistency) -> bool {
        self.and_weaker().contains(&other)
    }

    /// The names of all anomalies that some model rules out.
    pub fn anomalies() -> impl Iterator<Item = &'static str> {
        MODELS.iter().flat_map(|model| model.rules_out).copied()
    }

    /// Whether a history with this anomaly cannot satisfy the model.
    pub fn rules_out(self, anomaly: &str) -> bool {
        self.and_weaker().iter().any(|model| MODELS[model.0].rules_out.contains(&anomaly))
    }
}

/// What anomalies say about all models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The weakest models that are ruled out.
    pub not: Vec<Consistency>,
    /// The stronger ones, ruled out with them.
    pub also_not: Vec<Consistency>,
    /// The strongest models that are not ruled out.
    pub holds: Vec<Consistency>,
}

/// Where a history with these anomalies stands in the lattice. What was not `examined` does not hold, as far as anybody knows.
pub fn standing<'a>(
    anomalies: impl Iterator<Item = &'a str> + Clone,
    examined: impl Fn(Consistency) -> bool,
) -> Standing {
    let (out, open): (Vec<Consistency>, Vec<Consistency>) =
        Consistency::all().partition(|model| anomalies.clone().any(|anomaly| model.rules_out(anomaly)));
    let open: Vec<Consistency> = open.into_iter().filter(|&model| examined(model)).collect();
    let (also_not, not) =
        out.iter().partition(|model| out.iter().any(|weaker| weaker != *model && model.implies(*weaker)));
    let is_strongest = |model: &&Consistency| open.iter().all(|other| other == *model || !other.implies(**model));
    let holds = open.iter().filter(is_strongest).copied().collect();
    Standing { not, also_not, holds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(models: &[Consistency]) -> Vec<&'static str> {
        models.iter().map(|model| model.name()).collect()
    }

    #[test]
    fn every_name_that_the_table_mentions_is_in_it_and_stronger_models_come_later() {
        for (place, model) in MODELS.iter().enumerate() {
            for name in model.implies {
                let weaker = Consistency::parse(name).map(|weaker| weaker.0);
                assert!(weaker.is_some_and(|weaker| weaker < place), "{} implies {name}", model.name);
            }
            assert!(model.aliases.iter().all(|alias| Consistency::parse(alias) == Some(Consistency(place))));
        }
    }

    #[test]
    fn no_two_models_share_a_name_and_the_order_of_strength_has_no_circle() {
        let mut seen = std::collections::BTreeSet::new();
        for model in MODELS {
            assert!(seen.insert(model.name), "{}", model.name);
            assert!(model.aliases.iter().all(|alias| seen.insert(alias)), "{:?}", model.aliases);
        }
        for one in Consistency::all() {
            assert_eq!(Consistency::parse(&one.name().to_uppercase()), Some(one));
            for other in Consistency::all().filter(|other| *other != one) {
                assert!(!(one.implies(other) && other.implies(one)), "{} and {}", one.name(), other.name());
                for third in Consistency::all() {
                    assert!(!one.implies(other) || !other.implies(third) || one.implies(third), "not transitive");
                }
            }
        }
    }

    #[test]
    fn an_anomaly_splits_the_lattice_in_two_and_what_still_holds_implies_all_that_is_not_ruled_out() {
        for one in Consistency::anomalies() {
            for other in Consistency::anomalies() {
                let standing = standing([one, other].into_iter(), |_| true);
                for model in Consistency::all() {
                    let is_out = standing.not.contains(&model) || standing.also_not.contains(&model);
                    assert_eq!(is_out, model.rules_out(one) || model.rules_out(other), "{one}, {other}");
                    assert_eq!(is_out, standing.not.iter().any(|weakest| model.implies(*weakest)), "{one}, {other}");
                    assert_eq!(!is_out, standing.holds.iter().any(|strongest| strongest.implies(model)));
                }
            }
        }
    }

    #[test]
    fn a_cycle_about_items_is_one_about_predicates_and_one_that_needs_less_time_is_one_that_needs_more() {
        for model in Consistency::all() {
            let all_of = |weaker: &str, stronger: &str| {
                assert!(!model.rules_out(stronger) || model.rules_out(weaker), "{} {weaker} {stronger}", model.name());
            };
            for reach in ["", "-process", "-realtime"] {
                for class in ["G-single", "G-nonadjacent", "G2"] {
                    all_of(&format!("{class}-item{reach}"), &format!("{class}{reach}"));
                }
                for form in ["", "-item"] {
                    all_of(&format!("G-single{form}{reach}"), &format!("G-nonadjacent{form}{reach}"));
                    all_of(&format!("G-nonadjacent{form}{reach}"), &format!("G2{form}{reach}"));
                }
                all_of(&format!("G0{reach}"), &format!("G1c{reach}"));
            }
            for reach in ["", "-process"] {
                all_of(&format!("OTV{reach}"), &format!("fractured-read{reach}"));
                all_of(&format!("fractured-read{reach}"), &format!("causality-violation{reach}"));
                all_of(&format!("causality-violation{reach}"), &format!("G-single-item{reach}"));
            }
            for class in ["OTV", "fractured-read", "causality-violation"] {
                all_of(class, &format!("{class}-process"));
            }
            for class in ["G0", "G1c", "G-single-item", "G-single", "G-nonadjacent-item", "G2-item", "G2"] {
                all_of(class, &format!("{class}-process"));
                all_of(&format!("{class}-process"), &format!("{class}-realtime"));
            }
            all_of("lost-update", "G2-item");
            all_of("dirty-update", "G1a");
            all_of("incompatible-order", "G1a");
            all_of("future-read", "G1c");
        }
    }

    #[test]
    fn what_a_model_rules_out_every_stronger_model_rules_out() {
        for anomaly in Consistency::anomalies() {
            for model in Consistency::all() {
                for weaker in model.and_weaker() {
                    assert!(!weaker.rules_out(anomaly) || model.rules_out(anomaly), "{anomaly} {}", model.name());
                }
            }
        }
    }

    #[test]
    fn write_skew_rules_out_serializability_and_leaves_snapshot_isolation() {
        let standing = standing(["G2-item"].into_iter(), |_| true);
        assert_eq!(names(&standing.not), ["repeatable-read", "view-serializable"]);
        assert!(names(&standing.also_not).contains(&"serializable"));
        assert!(names(&standing.holds).contains(&"strong-snapshot-isolation"));
    }

    #[test]
    fn a_stale_read_rules_out_only_what_promises_real_time() {
        let standing = standing(["G-single-item-realtime"].into_iter(), |_| true);
        assert_eq!(names(&standing.not), ["strong-snapshot-isolation"]);
        assert_eq!(names(&standing.also_not), ["strict-serializable"]);
        assert!(names(&standing.holds).contains(&"strong-session-serializable"));
    }

    #[test]
    fn without_anomalies_the_strongest_model_holds() {
        assert_eq!(names(&standing([].into_iter(), |_| true).holds), ["strict-serializable"]);
    }
}
