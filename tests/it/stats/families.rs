//! Many claims at once, at many looks.

use std::time::Instant;

use fpl_repro::stats::{
    Differences, EXACT_PAIRS, Patterns, SpendingPlan, Undefined, adjusted_e_values, e_value, joint_sign_flip,
    product_of_laboratories, sign_flip, spending,
};
use serde_json::Value;

use super::{close, from_r, numbers, replication};

fn family(value: &Value) -> Vec<Differences> {
    let seed = |(seed, value): (&String, &Value)| (seed.parse().unwrap(), value.as_f64().unwrap());
    value.as_array().unwrap().iter().map(|claim| claim.as_object().unwrap().iter().map(seed).collect()).collect()
}

fn by_index(values: &[f64]) -> Differences {
    (0..).zip(values.iter().copied()).collect()
}

#[test]
fn joint_sign_flips_are_the_enumeration() {
    for case in replication("joint").as_array().unwrap() {
        let found = joint_sign_flip(&family(&case["family"])).unwrap();
        for (found, expected) in found.claims.iter().zip(case["expected"].as_array().unwrap()) {
            assert_eq!(found.is_none(), expected.is_null(), "{case}");
            if let Some(found) = found {
                close(found.alone, &expected[0]);
                close(found.adjusted, &expected[1]);
            }
        }
    }
}

#[test]
fn joint_sign_flips_are_multtests_max_t() {
    for case in from_r("max_t").as_array().unwrap() {
        let claims: Vec<Differences> =
            case["differences"].as_array().unwrap().iter().map(|row| by_index(&numbers(row))).collect();
        let found = joint_sign_flip(&claims).unwrap();
        assert_eq!(found.patterns, Patterns::Every(1 << claims[0].len()));
        for (at, claim) in found.claims.iter().enumerate() {
            close(claim.unwrap().alone, &case["alone"][at]);
            close(claim.unwrap().adjusted, &case["adjusted"][at]);
        }
    }
}

#[test]
fn sign_flips_are_coins() {
    for case in from_r("sign_flip").as_array().unwrap() {
        let found = sign_flip(&numbers(&case["differences"])).unwrap();
        close(found.two_sided, &case["two_sided"]);
        close(found.greater, &case["greater"]);
    }
}

/// Six pairs of eight claims that all agree: 2/64, where Holm would have 8·2/64. The sizes differ so that every claim reaches
/// its largest t in the observed pattern alone.
#[test]
fn six_pairs_can_decide_among_eight_claims() {
    let claim =
        |claim: usize| by_index(&(0..6).map(|seed| 1.0 + 0.01 * ((seed * claim) % 7) as f64).collect::<Vec<_>>());
    let found = joint_sign_flip(&(1..=8).map(claim).collect::<Vec<_>>()).unwrap();
    assert!(found.claims.iter().all(|claim| claim.unwrap().adjusted == 2.0 / 64.0), "{found:?}");
}

#[test]
fn drawn_patterns_say_so() {
    let many: Vec<f64> = (0..=EXACT_PAIRS).map(|index| if index % 4 == 0 { -1.0 } else { 1.0 }).collect();
    let found = joint_sign_flip(&[by_index(&many)]).unwrap();
    // 15 of 21 positive: scipy.stats.binomtest(15, 21).pvalue.
    let exact = 0.078_353_881_835_937_5;
    let (p, error) = (found.claims[0].unwrap().alone, found.patterns.standard_error(exact));
    assert!(matches!(found.patterns, Patterns::Drawn(_)) && error > 0.0);
    assert!((p - exact).abs() < 4.0 * error, "{p} is not {exact}, within {error}");
    assert_eq!(found.patterns.count(), 200_000);
    let exact = joint_sign_flip(&[by_index(&many[1..])]).unwrap().patterns;
    assert_eq!((exact, exact.standard_error(0.5)), (Patterns::Every(1 << 20), 0.0));
}

#[test]
fn families_without_runs_have_no_test() {
    assert_eq!(joint_sign_flip(&[Differences::new()]), Err(Undefined::TooFew { needed: 1, found: 0 }));
    assert_eq!(joint_sign_flip(&[by_index(&[1.0, f64::NAN])]), Err(Undefined::NotFinite));
    assert_eq!(joint_sign_flip(&[by_index(&[1.0; 65])]), Err(Undefined::TooMany { most: 64, found: 65 }));
    let plan = SpendingPlan::new(14, 0.05, 3.0).unwrap();
    assert_eq!(spending(&[Differences::new()], &plan), Err(Undefined::TooFew { needed: 1, found: 0 }));
    let many = vec![by_index(&[1.0]); 13];
    assert_eq!(spending(&many, &plan), Err(Undefined::TooMany { most: 12, found: 13 }));
    assert!(SpendingPlan::new(0, 0.05, 3.0).is_err() && SpendingPlan::new(21, 0.05, 3.0).is_err());
    assert!(SpendingPlan::new(9, 0.0, 3.0).is_err() && SpendingPlan::new(9, 0.05, 0.0).is_err());
}

#[test]
fn spending_is_the_enumeration() {
    for case in replication("spending").as_array().unwrap() {
        let plan = numbers(&case["plan"]);
        let plan = SpendingPlan::new(plan[0] as usize, plan[1], plan[2]).unwrap();
        let family = family(&case["family"]);
        let found = spending(&family, &plan).unwrap();
        let expected: Vec<Option<usize>> =
            case["expected"].as_array().unwrap().iter().map(|look| look.as_u64().map(|look| look as usize)).collect();
        assert_eq!(found.rejected_at, expected, "{case}");
        assert!(found.looks <= plan.pairs());
    }
}

/// By hand: with N = 14, α = 5 % and ρ = 3, look 7 may spend 0.05/8 of 128 patterns, 0.8, and look 8 0.05·(8/14)³ of 256, 2.39:
/// the first two patterns. Half the share leaves 1.19, and look 9 0.5·0.05·(9/14)³·512 = 3.40.
#[test]
fn the_first_look_is_the_first_with_two_patterns() {
    let plan = SpendingPlan::new(14, 0.05, 3.0).unwrap();
    assert_eq!(plan.first_look(1, 0), Some(8));
    assert_eq!(plan.first_look(4, 4), Some(9));
    assert_eq!(SpendingPlan::new(5, 0.05, 3.0).unwrap().first_look(1, 0), None);
    assert!((plan.spent(7) - 0.05 / 8.0).abs() < 1e-15 && (plan.spent(20) - 0.05).abs() < 1e-15);
}

/// What was rejected at a look is rejected at every later one, whatever follows.
#[test]
fn rejected_stays_rejected() {
    let plan = SpendingPlan::new(10, 0.05, 3.0).unwrap();
    let start = [1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0];
    let at = spending(&[by_index(&start)], &plan).unwrap().rejected_at[0];
    assert_eq!(at, Some(7));
    for next in [[-9.0, 5.0, -8.0], [-50.0, -50.0, -50.0]] {
        let all: Vec<f64> = start.into_iter().chain(next).collect();
        assert_eq!(spending(&[by_index(&all)], &plan).unwrap().rejected_at[0], at);
    }
}

#[test]
fn e_values_are_numpys_and_the_closed_test() {
    for case in replication("e_value").as_array().unwrap() {
        close(e_value(&numbers(&case[0])).unwrap(), &case[1]);
    }
    for case in replication("closed_e_values").as_array().unwrap() {
        let family: Vec<Option<f64>> = case[0].as_array().unwrap().iter().map(Value::as_f64).collect();
        for (found, expected) in adjusted_e_values(&family).iter().zip(case[1].as_array().unwrap()) {
            assert_eq!(found.is_none(), expected.is_null());
            if let Some(found) = found {
                close(*found, expected);
            }
        }
    }
    assert_eq!(e_value(&[]), Err(Undefined::TooFew { needed: 1, found: 0 }));
    assert_eq!((e_value(&[0.0, 0.0]), product_of_laboratories(&[4.0, 0.5, 10.0])), (Ok(1.0), 20.0));
    // As many as can agree: six reach 20, five cannot.
    assert!(e_value(&[1.0; 6]).unwrap() >= 20.0 && e_value(&[1.0, 2.0, 4.0, 8.0, 16.0]).unwrap() < 20.0);
}

/// An e-value is 1 on average over all signs, exactly: that is what makes it valid.
#[test]
fn e_values_are_one_on_average() {
    let sizes = [0.3, 2.0, 0.1, 5.0, 1.0, 0.7];
    let signed =
        |pattern: u32| sizes.iter().enumerate().map(move |(at, d)| if pattern >> at & 1 == 1 { -d } else { *d });
    let sum: f64 = (0..64).map(|pattern| e_value(&signed(pattern).collect::<Vec<_>>()).unwrap()).sum();
    assert!((sum / 64.0 - 1.0).abs() < 1e-12, "{sum}");
}

/// 14 seeds × 8 claims × 20 readings, with different sets of seeds in half of them.
#[test]
fn a_whole_report_takes_under_a_second() {
    let value = |claim: usize, seed: usize| ((claim * 31 + seed * 17) % 23) as f64 - 9.5;
    let claim =
        |claim: usize| -> Differences { (0..14 - claim % 2).map(|seed| (seed as u64, value(claim, seed))).collect() };
    let start = Instant::now();
    for reading in 0..20 {
        let family: Vec<Differences> = (0..8).map(|at| claim(reading * 8 + at)).collect();
        assert_eq!(joint_sign_flip(&family).unwrap().patterns, Patterns::Every(1 << 14));
    }
    let plan = SpendingPlan::new(14, 0.05, 3.0).unwrap();
    let family: Vec<Differences> = (0..8).map(|at| claim(2 * at)).collect();
    assert_eq!(spending(&family, &plan).unwrap().looks, 14);
    let taken = start.elapsed();
    // Optimised; and with room for a busy machine.
    assert!(cfg!(debug_assertions) || taken.as_secs_f64() < 1.0, "{taken:?}");
}

/// One look, at the end: the plan is then the test of all pairs at once, and rejects as that does. Two looks after 6 and 9
/// pairs, one claim: 0.05·(6/9)³ = 0.0148 of 64 patterns is less than the two most extreme, 2/64, and 0.05 of 512 are 25.
#[test]
fn one_looks_where_it_was_planned_only() {
    let plan = |looks: &[usize]| SpendingPlan::new(9, 0.05, 3.0).unwrap().looking_at(looks).unwrap();
    let agree: Vec<f64> = (0..9).map(|seed| 1.0 + 0.01 * f64::from(seed)).collect();
    let rejected =
        |values: &[f64], looks: &[usize]| spending(&[by_index(values)], &plan(looks)).unwrap().rejected_at[0];
    assert_eq!(rejected(&agree[..8], &[9]), None);
    assert_eq!(rejected(&agree, &[9]), Some(9));
    assert_eq!((rejected(&agree[..6], &[6, 9]), rejected(&agree, &[6, 9])), (None, Some(9)));
    // At every look: 0.05·(7/9)³·128 = 3.01 patterns after the seventh.
    let every = SpendingPlan::new(9, 0.05, 3.0).unwrap();
    assert_eq!(spending(&[by_index(&agree[..7])], &every).unwrap().rejected_at[0], Some(7));
    for flipped in 0..9 {
        let values: Vec<f64> = agree.iter().enumerate().map(|(at, v)| if at < flipped { -v } else { *v }).collect();
        let significant = sign_flip(&values).unwrap().two_sided <= 0.05;
        assert_eq!(rejected(&values, &[9]).is_some(), significant, "{flipped}");
    }
    for looks in [&[][..], &[0, 9], &[9, 6], &[6, 6, 9], &[6, 8]] {
        assert!(SpendingPlan::new(9, 0.05, 3.0).unwrap().looking_at(looks).is_err(), "{looks:?}");
    }
}
