// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Compiled from here so that its artefact is built, locked and deployed like our own contracts.
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
